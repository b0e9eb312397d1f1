// The sections of a report page, each a piece of HTML.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "kernel/host/results/results.h"
#include "store/queries.h"

namespace marginalia {

inline constexpr std::size_t most_drawn_groups = 12;

// The groups whose curves and states are shown: all, or the best by the experiment's first metric where there are many.
std::vector<std::size_t> drawn_groups(const ExperimentResults& results);

// The group with the best mean of `metric`; nullopt where none has it.
std::optional<std::size_t> best_group(const ExperimentResults& results, const std::string& metric);

std::string header_part(const ExperimentResults& results, const store::Sweep& newest);
std::string headline_part(const ExperimentResults& results);  // the best configuration's numbers, large
// `coloured`: the groups that have a colour in the charts.
std::string results_part(const ExperimentResults& results, const std::vector<std::size_t>& coloured);
// Appends to `data` what page.js draws.
std::string samples_part(store::Store& store, const ExperimentResults& results, const std::vector<std::size_t>& groups,
                         nlohmann::json& data);
std::string configuration_part(const ExperimentResults& results);
std::string trials_part(store::Store& store, const ExperimentResults& results);
std::string provenance_part(const store::Sweep& newest,
                            std::size_t runs);  // `runs` of the experiment, this one among them
std::string footer_part(const ExperimentResults& results);

}  // namespace marginalia
