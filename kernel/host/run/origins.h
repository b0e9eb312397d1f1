// What finished trials were made with, beside what they would be made with now.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "store/store.h"

namespace marginalia {

// For each trial that has ended, what has changed since it ran, as "energy 'gas' and file graph.txt"; "" where nothing
// has, where it has not ended, and where too little was recorded to tell. `now`: the provenance record of a run that
// would start now. Looks at the plugins that the trial's config names, by the hash of their files, and at the files its
// parameters name.
std::vector<std::string> changes_since(store::Store& store, const std::vector<store::Trial>& trials,
                                       const nlohmann::json& now);

}  // namespace marginalia
