// A trial as programs get it.
#pragma once

#include <nlohmann/json.hpp>

#include "store/queries.h"

namespace marginalia {

nlohmann::json tags_of(const store::Trial& trial);

// What `show --format json` prints: config, figures, summaries of curves, checkpoints, tags, notes and provenance.
// Numbers that are not finite are texts ("Infinity"). null stands where the store
// should have JSON and has none.
nlohmann::ordered_json trial_json(store::Store& store, const store::TrialDetails& details);

}  // namespace marginalia
