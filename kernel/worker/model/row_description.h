// What a checkpoint keeps of a dataset, so that questions about its model need not read the dataset's files.
#pragma once

#include <marginalia/dataset.h>
#include <marginalia/network.h>

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

namespace marginalia {

// A checkpoint's "columns", and those of marginalia.json: what each of them holds, where they differ.
nlohmann::json json_of(const std::vector<Site>& sites);

// So many symbols each site has, or 0 for a real number; empty where all have the same.
std::vector<std::int64_t> site_categories(const Variables& variables);

// That the dataset's sites hold what they held when the checkpoint with this trial.json (checkpoint.h) was written.
// Throws Error naming the first that does not.
void check_site_list(const std::string& trial_json, const Dataset& dataset);

// A checkpoint's "domain", and the file marginalia.json of an exported model: sites, categories, shape, periodic.
nlohmann::json json_of(const Domain& domain);

// The description in a checkpoint's trial.json (checkpoint.h). Nothing where there is none, as in those of earlier
// builds, and where it cannot be used: it may come from a stranger, and its words reach terminals and plugins.
std::optional<RowDescription> row_description(const std::string& trial_json);

}  // namespace marginalia
