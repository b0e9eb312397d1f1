// What `plot` draws, read from the store: curves averaged over seeds, and histograms.
#pragma once

#include <string>
#include <vector>

#include "kernel/host/chart/chart.h"
#include "kernel/host/results/results.h"
#include "store/store.h"

namespace marginalia {

// The trials of one curve, seeds of a configuration or a single one.
struct PlotLine {
    std::string label;  // as the store has it
    std::vector<store::Trial> trials;
};

struct PlotRequest {
    std::string title;              // what the trials are
    std::string against = "steps";  // steps, seconds, or a metric
    bool logarithmic = false;
};

// The means over seeds at each step, or each of some hundred parts of the steps, and mean ± standard error as a band;
// at most chart::most_series lines. Where x is no step, it is the mean of what the seeds have there. Throws StoreError
// (no_match) where no trial recorded the metric, or Error where none of its values is on the scale.
chart::Chart curves_chart(store::Store& store, const std::string& metric, const std::vector<PlotLine>& lines,
                          const PlotRequest& request);

// How often each bin has the trials' final values, or the last recorded ones where there are none. Throws as above.
chart::Chart histogram_chart(const std::string& metric, const ExperimentResults& results, const PlotRequest& request);

}  // namespace marginalia
