// The factors of a model by variable: what one variable adds to log f, at the cost of its own factors.
#pragma once

#include <marginalia/states.h>

#include <cstdint>
#include <span>
#include <vector>

#include "model.h"

namespace factor_graph {

// Threads: all methods may be called at once.
class LocalTerms {
public:
    explicit LocalTerms(const Model& model);  // which must outlive the object

    // out[k] = the sum of the variable's factors with its value k; -infinity beyond its values. Factors of which
    // another variable has no value, being unknown or beyond its own, are left out.
    void of_variable(marginalia::State x, std::size_t variable, std::span<double> out) const;

    // The factors whose variables are all known, and for each unknown variable log sum_k exp(its factors whose other
    // variables are all known): as if factors of two unknown variables were not there.
    double partial_log_f(marginalia::State x) const;

private:
    struct Other {
        std::uint32_t variable, values, stride;
    };
    struct Use {  // of a variable by a factor
        const double* table;
        std::uint32_t stride, first_other, end_other;
    };

    template <class Visit>
    void for_entries(marginalia::State x, std::size_t variable, const Visit& visit) const;

    const Model& model_;
    std::vector<std::size_t> first_use_;  // of each variable, and their number
    std::vector<Use> uses_;
    std::vector<Other> others_;
};

}  // namespace factor_graph
