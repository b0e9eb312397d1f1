// Learning curves averaged over seeds and thinned, ready to draw.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "kernel/host/results/results.h"
#include "store/store.h"

namespace marginalia {

inline constexpr std::size_t most_curve_points = 500;

// One metric of one configuration: at each x the mean over seeds, mean ± standard error, and the extremes of all
// points there. With more than `most_curve_points` steps, x is the middle of equal intervals and each seed is averaged
// within them first.
struct Series {
    std::size_t group = 0;  // index into ExperimentResults::groups
    std::size_t seeds = 0;
    std::vector<double> x, mean, low, high, min, max;
};

struct Curve {
    std::string metric;
    std::vector<Series> series;
};

// Steps and finite values of one seed, by step.
struct Points {
    std::vector<double> step, value;
};

// Averages seeds; empty if no seed has a finite point.
Series average_seeds(const std::vector<Points>& seeds);

// The curves of the groups named, by importance, metrics with a single step left out.
std::vector<Curve> load_curves(store::Store& store, const ExperimentResults& results,
                               const std::vector<std::size_t>& groups);

// What page.js draws: numbers cut to six digits, gaps as null.
nlohmann::json to_page(const Curve& curve, const ExperimentResults& results);

}  // namespace marginalia
