// Which of an experiment's configurations are the best.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "kernel/host/results/results.h"
#include "kernel/host/results/targets.h"

namespace marginalia::page {

// The first of the experiment's metrics that has a direction and a finite mean; empty: there is none.
std::string ranking_metric(const ExperimentResults& results);

// The groups of one target, the best mean first; those without a finite mean come last, in their order.
std::vector<std::size_t> best_first(const ExperimentResults& results, const Target& target, const std::string& metric);

}  // namespace marginalia::page
