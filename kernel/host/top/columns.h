// The table of trials, fitted to a width.
#pragma once

#include <string>
#include <vector>

#include "kernel/host/top/rows.h"

namespace marginalia::top {

// A page of trials, as it was read.
struct Table {
    std::vector<Row> rows;
    store::LiveOrder order;       // with the metric of the column that shows values; "": no trial has any
    std::string curve;            // the metric of the curves
    bool one_experiment = false;  // all trials are of it, so that it need not be named in each line
};

// How many points a curve has at most in a table so wide.
std::size_t curve_width(std::size_t width);

// The heading and a line for each row; the one of the trial that is chosen is marked by '>' and stands out. On a wide
// screen there are more columns. What is to be compared, numbers and states, is never cut.
Picture table_lines(const Table& table, store::TrialId chosen, std::size_t width);

}  // namespace marginalia::top
