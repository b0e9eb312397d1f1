// Trials' figures by config keys.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "kernel/host/results/results.h"
#include "kernel/host/results/table.h"

namespace marginalia {

// Trials that share their values of the row and the column keys.
using Bucket = std::map<std::string, std::vector<double>>;  // metric -> values

// One row per distinct combination of the row keys, in order of first trial; one column per combination of the column
// keys and metric.
struct Pivot {
    std::vector<std::vector<std::string>> rows, columns;
    std::map<std::pair<std::size_t, std::size_t>, Bucket> cells;
    std::map<std::pair<std::size_t, std::size_t>, std::set<std::string>> configs;
};

// Of the trials that are done.
Pivot pivot(const ExperimentResults& results, const std::vector<std::string>& rows,
            const std::vector<std::string>& columns);

// A mean with its error, as text and for programs; empty where there is none.
Cell estimate_cell(const std::optional<Estimate>& mean);

}  // namespace marginalia
