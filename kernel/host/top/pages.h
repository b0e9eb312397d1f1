// Whole screens of the live view: what was read of the store, laid out for a size.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "kernel/host/top/choices.h"
#include "kernel/host/top/columns.h"
#include "store/queries.h"

namespace marginalia::top {

inline constexpr Size least_size{44, 10};

struct TablePage {
    std::string store;  // the file
    std::vector<store::TrialCount> counts;
    std::size_t fitting = 0;  // trials that fit the filter
    Table table;              // those on the screen
    double now = 0;
};

struct TrialPage {
    Row row;
    std::string metric;  // of the curve; empty: there is none
    std::optional<store::MetricSummary> summary;
    std::vector<store::CurvePoint> points;
    std::vector<std::pair<std::string, double>> figures;  // final ones, the most telling first
    std::vector<std::string> log;                         // its last lines
    bool logarithmic = false;
    double now = 0;
};

// Lines of a page of the table, of the log; and of a log's end under a curve.
std::size_t table_lines_of(Size size);
std::size_t log_lines_of(Size size);
std::size_t log_lines_beside_plot(Size size);

// "4 running, 76 queued, about 2 h left; 120 done": by what the trials that are done have taken.
std::string counts_text(const std::vector<store::TrialCount>& counts);

// Each has as many lines as the size, or fewer.
Picture table_picture(const TablePage& page, const Choices& choices, Size size);
Picture trial_picture(const TrialPage& page, const Choices& choices, Size size);
Picture log_picture(const TrialPage& page, const Choices& choices, Size size);
Picture help_picture(Size size);
Picture too_small_picture();

}  // namespace marginalia::top
