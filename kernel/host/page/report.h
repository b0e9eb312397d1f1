// The page as a file that people keep: it asks nobody, all that it shows is in it.
#pragma once

#include <string>
#include <vector>

#include "store/queries.h"

namespace marginalia::page {

struct ReportChoice {
    std::string experiment;
    std::string where = {};                   // a condition (kernel/host/results/where.h); empty: all trials
    std::vector<store::TrialId> trials = {};  // these at most; empty: all
};

// All of an experiment's configurations and trials; curves, samples and details of the best few, or of `trials`, whose
// curves have the fewer points the more there are. Throws StoreError (no_match) where no trial is left.
std::string report_page(store::Store& store, const ReportChoice& choice);

}  // namespace marginalia::page
