#include "kernel/worker/evaluate/annealed_importance.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include <marginalia/heat_bath.h>
#include <oneapi/tbb/parallel_for.h>

namespace marginalia {

namespace {

struct Run {
    std::vector<std::uint8_t> x;
    FastRandom random;
    double log_weight = 0;
};

std::vector<Run> uniform_runs(const Energy& energy, const Annealing& annealing) {
    std::vector<Run> runs;
    for (std::int64_t number = 0; number < annealing.chains; ++number) {
        Run run{std::vector<std::uint8_t>(static_cast<std::size_t>(energy.sites())),
                FastRandom(annealing.seed, static_cast<std::uint64_t>(number))};
        for (std::uint8_t& symbol : run.x)
            symbol = static_cast<std::uint8_t>(run.random.below(static_cast<std::uint64_t>(energy.categories())));
        runs.push_back(std::move(run));
    }
    return runs;
}

double mean_of(const std::vector<double>& values) {
    double sum = 0;
    for (const double value : values) sum += value;
    return sum / static_cast<double>(values.size());
}

double variance_of(const std::vector<double>& values) {
    const double mean = mean_of(values);
    double sum = 0;
    for (const double value : values) sum += (value - mean) * (value - mean);
    return sum / static_cast<double>(values.size() - 1);
}

AnnealedLogZ estimate_of(const std::vector<double>& log_weights, double log_states) {
    const auto count = static_cast<double>(log_weights.size());
    const double largest = *std::max_element(log_weights.begin(), log_weights.end());
    if (largest == -HUGE_VAL) return {largest, HUGE_VAL, 0, largest, HUGE_VAL};
    std::vector<double> weights;
    for (const double log_weight : log_weights) weights.push_back(std::exp(log_weight - largest));
    const double mean = mean_of(weights), relative = variance_of(weights) / (mean * mean);
    AnnealedLogZ estimate;
    estimate.log_z = log_states + largest + std::log(mean);
    estimate.standard_error = std::sqrt(relative / count);
    estimate.effective = count / (1 + relative * (count - 1) / count);
    estimate.mean_log_weight = log_states + mean_of(log_weights);
    const bool finite = std::isfinite(estimate.mean_log_weight);
    estimate.mean_error = finite ? std::sqrt(variance_of(log_weights) / count) : HUGE_VAL;
    return estimate;
}

}  // namespace

AnnealedLogZ annealed_log_z(const Energy& energy, const Annealing& annealing, const Tick& tick) {
    if (annealing.chains < 2 || annealing.temperatures < 1)
        throw Error("annealed importance sampling takes at least 2 chains and 1 temperature, not " +
                    std::to_string(annealing.chains) + " and " + std::to_string(annealing.temperatures));
    std::vector<Run> runs = uniform_runs(energy, annealing);
    const double step = 1 / static_cast<double>(annealing.temperatures);
    for (std::int64_t t = 1; t <= annealing.temperatures; ++t) {
        oneapi::tbb::parallel_for(std::size_t{0}, runs.size(), [&](std::size_t number) {
            Run& run = runs[number];
            run.log_weight += step * energy.log_density(run.x);
            if (t < annealing.temperatures) heat_bath_sweep(energy, run.x, static_cast<double>(t) * step, run.random);
        });
        tick();
    }
    std::vector<double> log_weights;
    for (const Run& run : runs) log_weights.push_back(run.log_weight);
    const auto sites = static_cast<double>(energy.sites()), categories = static_cast<double>(energy.categories());
    return estimate_of(log_weights, sites * std::log(categories));
}

}  // namespace marginalia
