#include "pairwise_form.h"

#include <algorithm>
#include <cmath>
#include <map>

namespace factor_graph {
namespace {

bool fits(const Model& model) {
    const auto finite = [](double value) { return std::isfinite(value); };
    return std::all_of(model.cardinalities.begin(), model.cardinalities.end(),
                       [&](std::uint32_t values) { return values == model.unknown; }) &&
           std::all_of(model.factors.begin(), model.factors.end(), [&](const Factor& factor) {
               return factor.scope.size() <= 2 &&
                      std::all_of(factor.log_table->begin(), factor.log_table->end(), finite);
           });
}

}  // namespace

std::optional<marginalia::EnergyForm> pairwise_form(const Model& model) {
    if (!fits(model)) return std::nullopt;
    const std::size_t values = model.unknown;
    marginalia::EnergyForm form;
    form.partial = true;
    form.fields.resize(model.cardinalities.size() * values);
    std::map<std::vector<double>, std::uint32_t> numbers;  // of tables that differ
    for (const Factor& factor : model.factors) {
        const std::vector<double>& table = *factor.log_table;
        if (factor.scope.empty()) form.constant += table.front();
        if (factor.scope.size() == 1)
            for (std::size_t k = 0; k < values; ++k) form.fields[factor.scope[0] * values + k] += table[k];
        if (factor.scope.size() != 2) continue;
        const auto [number, is_new] = numbers.emplace(table, static_cast<std::uint32_t>(form.tables.size()));
        if (is_new) form.tables.push_back(table);
        form.pairs.push_back({factor.scope[0], factor.scope[1], number->second});
    }
    return form;
}

}  // namespace factor_graph
