// The trial that "best:METRIC" names.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "store/queries.h"

namespace marginalia {

// "best:METRIC", with ":min" or ":max" behind it and with "@EXPERIMENT" at the end where they are given.
struct BestName {
    std::string metric;
    std::optional<bool> highest;  // none: as the metric should be
    std::string experiment;       // empty: of any

    bool looks_highest() const;
};
std::optional<BestName> best_name(std::string_view name);  // nullopt: it does not begin with "best:"

// Of the trials that are done, of that experiment where it names one and else of `experiment` (empty: of any). Throws
// StoreError (no_match) where no trial has the figure, and where trials of several energies or data sets have it, which
// it names with the best trial of each: their figures are not comparable.
store::Trial find_best(store::Store& store, const BestName& name, const std::string& experiment = {});

}  // namespace marginalia
