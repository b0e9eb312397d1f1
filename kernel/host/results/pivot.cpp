#include "kernel/host/results/pivot.h"

#include <nlohmann/json.hpp>

#include "kernel/host/results/text.h"

namespace marginalia {
namespace {

std::string value_of(const TrialResult& result, const std::string& key) {
    return key == "seed" ? std::to_string(result.trial.seed) : config_value(*result.config, key);
}

std::vector<std::string> values_of(const TrialResult& result, const std::vector<std::string>& keys) {
    std::vector<std::string> values;
    for (const std::string& key : keys) values.push_back(value_of(result, key));
    return values;
}

// The place of each combination in a list of them.
using Places = std::map<std::vector<std::string>, std::size_t>;

std::size_t place_of(std::vector<std::vector<std::string>>& list, Places& places, std::vector<std::string> values) {
    const auto [found, is_new] = places.try_emplace(values, list.size());
    if (is_new) list.push_back(std::move(values));
    return found->second;
}

}  // namespace

Pivot pivot(const ExperimentResults& results, const std::vector<std::string>& rows,
            const std::vector<std::string>& columns) {
    Pivot made;
    Places row_places, column_places;
    for (const TrialResult& result : results.trials) {
        if (result.trial.status != store::Status::done) continue;
        const std::pair place(place_of(made.rows, row_places, values_of(result, rows)),
                              place_of(made.columns, column_places, values_of(result, columns)));
        for (const auto& [metric, value] : result.finals) made.cells[place][metric].push_back(value);
        made.configs[place].insert(result.trial.config_hash);
    }
    return made;
}

Cell estimate_cell(const std::optional<Estimate>& mean) {
    if (!mean) return {};
    return {estimate_text(*mean, mean->standard_error),
            {mean->mean, mean->standard_error ? nlohmann::json(*mean->standard_error) : nlohmann::json()}};
}

}  // namespace marginalia
