#include "model.h"

#include <cmath>

namespace factor_graph {
namespace {

// The table's entry for the state, or 0 where one of the variables is unknown.
double entry(const Model& model, const Factor& factor, marginalia::State x) {
    std::size_t index = 0;
    for (const std::uint32_t variable : factor.scope) {
        if (x[variable] == model.unknown) return 0;
        index = index * model.cardinalities[variable] + x[variable];
    }
    return (*factor.log_table)[index];
}

}  // namespace

double Model::log_f(marginalia::State x) const {
    for (std::size_t variable = 0; variable < cardinalities.size(); ++variable)
        if (x[variable] != unknown && x[variable] >= cardinalities[variable]) return -HUGE_VAL;
    double sum = 0;
    for (const Factor& factor : factors) sum += entry(*this, factor, x);
    return sum;
}

}  // namespace factor_graph
