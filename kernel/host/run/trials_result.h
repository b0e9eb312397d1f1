// What became of trials that differ in their seed alone, as JSON for programs.
#pragma once

#include <vector>

#include <nlohmann/json.hpp>

#include "store/store.h"

namespace marginalia {

// {"trials": [1, 2], "status": "done", "metrics": {"kl": 0.12}, "standard_errors": {"kl": 0.01}}: means over the seeds
// that are done, errors from two of them on; a metric that has no finite value is left out. The status is that of the
// first trial that is not done, with its "error". Throws StoreError.
nlohmann::json trials_result(store::Store& store, const std::vector<store::Trial>& trials);

}  // namespace marginalia
