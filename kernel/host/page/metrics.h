// An experiment's metrics as the page has them.
#pragma once

#include <string>
#include <vector>

#include "kernel/host/page/json_text.h"
#include "kernel/host/results/results.h"

namespace marginalia::page {

// Names of all that have final values or curves, by importance; exact values and standard errors left out.
struct MetricNames {
    std::vector<std::string> all;
    std::vector<std::string> curves;  // those with two points or more in any trial, sorted
};
MetricNames metric_names_of(store::Store& store, const ExperimentResults& results);

Json metrics_json(const ExperimentResults& results, const MetricNames& names);

}  // namespace marginalia::page
