#include "local_terms.h"

#include <algorithm>
#include <cmath>

namespace factor_graph {
namespace {

double log_sum_exp(std::span<const double> terms) {
    const double largest = *std::max_element(terms.begin(), terms.end());
    if (largest == -HUGE_VAL) return largest;
    double sum = 0;
    for (const double term : terms) sum += std::exp(term - largest);
    return largest + std::log(sum);
}

}  // namespace

LocalTerms::LocalTerms(const Model& model) : model_(model), first_use_(model.cardinalities.size() + 1, 0) {
    for (const Factor& factor : model.factors)
        for (const std::uint32_t variable : factor.scope) ++first_use_[variable + 1];
    for (std::size_t variable = 1; variable < first_use_.size(); ++variable)
        first_use_[variable] += first_use_[variable - 1];
    uses_.resize(first_use_.back());
    std::vector<std::size_t> next(first_use_.begin(), first_use_.end() - 1);
    std::vector<std::uint32_t> strides;
    for (const Factor& factor : model.factors) {
        strides.assign(factor.scope.size(), 1);
        for (std::size_t i = factor.scope.size(); i-- > 1;)
            strides[i - 1] = strides[i] * model.cardinalities[factor.scope[i]];
        for (std::size_t i = 0; i < factor.scope.size(); ++i) {
            Use& use = uses_[next[factor.scope[i]]++];
            use = {factor.log_table->data(), strides[i], static_cast<std::uint32_t>(others_.size()), 0};
            for (std::size_t j = 0; j < factor.scope.size(); ++j)
                if (j != i) others_.push_back({factor.scope[j], model.cardinalities[factor.scope[j]], strides[j]});
            use.end_other = static_cast<std::uint32_t>(others_.size());
        }
    }
}

// Calls visit(entry for value 0, stride) for each of the variable's factors whose other variables all have a value.
template <class Visit>
void LocalTerms::for_entries(marginalia::State x, std::size_t variable, const Visit& visit) const {
    for (std::size_t i = first_use_[variable]; i < first_use_[variable + 1]; ++i) {
        const Use& use = uses_[i];
        std::size_t index = 0;
        std::uint32_t other = use.first_other;
        for (; other < use.end_other && x[others_[other].variable] < others_[other].values; ++other)
            index += std::size_t{others_[other].stride} * x[others_[other].variable];
        if (other == use.end_other) visit(use.table + index, use.stride);
    }
}

void LocalTerms::of_variable(marginalia::State x, std::size_t variable, std::span<double> out) const {
    const std::size_t values = model_.cardinalities[variable];
    std::fill(out.begin() + static_cast<std::ptrdiff_t>(values), out.end(), -HUGE_VAL);
    // Two sums stay in registers, which counts where chains ask for millions of them.
    if (values == 2) {
        double zero = 0, one = 0;
        for_entries(x, variable, [&](const double* entry, std::uint32_t stride) {
            zero += entry[0];
            one += entry[stride];
        });
        out[0] = zero;
        out[1] = one;
        return;
    }
    std::fill(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(values), 0.0);
    for_entries(x, variable, [&](const double* entry, std::uint32_t stride) {
        for (std::size_t k = 0; k < values; ++k) out[k] += entry[k * stride];
    });
}

double LocalTerms::partial_log_f(marginalia::State x) const {
    std::vector<double> values(model_.unknown);
    double sum = 0;
    for (std::size_t variable = 0; variable < model_.cardinalities.size(); ++variable) {
        if (x[variable] != model_.unknown) continue;
        of_variable(x, variable, values);
        sum += log_sum_exp(values);
    }
    return sum + model_.log_f(x);
}

}  // namespace factor_graph
