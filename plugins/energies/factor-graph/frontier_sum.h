// log Z and the entropy of pairwise models on narrow lattices by the transfer matrix, site by site.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include "whole_sum.h"

namespace factor_graph {

// log f(x) = constant + sum over edges weight * [x_a = x_b] + field * sum_i [x_i = 0] over sites of q values each, in
// nats.
struct EqualityModel {
    struct Edge {
        std::uint32_t a, b;  // different sites; each pair once
        double weight;
    };

    std::size_t values;  // q
    std::size_t sites;
    std::vector<Edge> edges;
    double field;
    double constant = 0;
};

// The sites come one after another. A table of q^slots numbers holds the sum over all sites whose edges are done, for
// each state of those that have some to come; a new site takes the slot of one that it ends, in place, so that the
// table is all the memory there is: 8 bytes an entry for log Z, 16 for the entropy. A rectangle takes as many slots as
// its smaller side, one more where lines lie askew, and twice as many where the last line is joined to the first.
class FrontierSum final : public WholeSum {
public:
    static constexpr double most_entries = 1 << 26;  // 512 MiB, 1 GiB for the entropy

    // By rows or by columns, whichever takes fewer slots. nullptr where q^slots passes most_entries, sites * q^slots
    // 2^36 (minutes), or where entries of the table might leave a double's range: slots * (sum of a site's |weights| +
    // |field|) passes 600.
    static std::unique_ptr<const FrontierSum> if_fits(EqualityModel model, std::size_t columns);

    // Relative error about 1e-13, as nothing is subtracted.
    std::optional<double> log_z() const override;
    std::optional<double> entropy() const override;

    // What a new site does. Slots are numbered from the table's fastest axis.
    struct Step {
        struct Equal {
            std::uint32_t slot;
            double weight;
        };
        std::uint32_t slot;              // it takes
        double weight;                   // of its edge to the site that had the slot; 0: to none
        std::vector<Equal> others;       // its edges to other slots
        std::vector<std::uint32_t> end;  // slots to be summed out then
    };

private:
    FrontierSum(EqualityModel model, std::vector<Step> steps, std::size_t slots)
        : model_(std::move(model)), steps_(std::move(steps)), slots_(slots) {}

    const EqualityModel model_;
    const std::vector<Step> steps_;
    const std::size_t slots_;
    mutable std::once_flag log_z_known_, entropy_known_;
    mutable double log_z_ = 0, entropy_ = 0;
};

}  // namespace factor_graph
