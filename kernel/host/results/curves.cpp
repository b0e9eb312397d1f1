#include "kernel/host/results/curves.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <optional>

#include "kernel/spec/metrics.h"
#include "store/queries.h"

namespace marginalia {
namespace {

// What falls into one interval of steps.
struct Bin {
    std::map<std::size_t, std::pair<double, double>> sums;  // seed -> sum, count
    double min = std::numeric_limits<double>::infinity();
    double max = -std::numeric_limits<double>::infinity();
    double step_sum = 0, count = 0;

    void add(std::size_t seed, const store::CurvePart& part) {
        auto& [sum, number] = sums[seed];
        const auto points = static_cast<double>(part.count);
        sum += part.sum;
        number += points;
        min = std::min(min, part.min);
        max = std::max(max, part.max);
        step_sum += part.step_sum;
        count += points;
    }
};

void append(Series& series, const Bin& bin) {
    std::vector<double> means;
    for (const auto& [seed, sum] : bin.sums) means.push_back(sum.first / sum.second);
    const std::optional<Estimate> over_seeds = estimate(means);
    if (!over_seeds) return;
    const double error = over_seeds->standard_error.value_or(0);
    series.x.push_back(bin.step_sum / bin.count);
    series.mean.push_back(over_seeds->mean);
    series.low.push_back(over_seeds->mean - error);
    series.high.push_back(over_seeds->mean + error);
    series.min.push_back(bin.min);
    series.max.push_back(bin.max);
}

nlohmann::json rounded(const std::vector<double>& values) {
    nlohmann::json list = nlohmann::json::array();
    for (const double value : values) {
        if (!std::isfinite(value)) {
            list.push_back(nullptr);
        } else if (value == 0 || value == std::floor(value)) {
            list.push_back(value);
        } else {
            const double scale = std::pow(10.0, 5 - std::floor(std::log10(std::abs(value))));
            list.push_back(std::isfinite(scale) && scale > 0 ? std::round(value * scale) / scale : value);
        }
    }
    return list;
}

Points read_points(store::Store& store, store::TrialId trial, const std::string& metric) {
    Points points;
    for (const store::CurvePoint& point : store::metric_curve(store, trial, metric)) {
        if (!std::isfinite(point.value)) continue;
        points.step.push_back(static_cast<double>(point.step));
        points.value.push_back(point.value);
    }
    return points;
}

// Trials with so many points that only their averages leave the store.
Series average_in_store(store::Store& store, const std::vector<store::TrialId>& trials, const std::string& metric,
                        std::int64_t first, std::int64_t last) {
    constexpr std::int64_t parts = most_curve_points;
    Series series;
    std::map<std::int64_t, Bin> bins;
    for (std::size_t seed = 0; seed < trials.size(); ++seed) {
        const auto found = store::metric_parts(store, trials[seed], metric, first, last, parts);
        series.seeds += !found.empty();
        for (const store::CurvePart& part : found) bins[part.part].add(seed, part);
    }
    for (const auto& [part, bin] : bins) append(series, bin);
    return series;
}

Series series_of(store::Store& store, const std::vector<store::TrialId>& trials, const std::string& metric) {
    std::optional<store::StepRange> all;
    for (const store::TrialId trial : trials) {
        const auto own = store::finite_steps(store, trial, metric);
        if (!own) continue;
        if (!all) all = own;
        all = {std::min(all->first, own->first), std::max(all->last, own->last), std::max(all->points, own->points)};
    }
    if (!all) return {};
    if (all->points > static_cast<std::int64_t>(most_curve_points))
        return average_in_store(store, trials, metric, all->first, all->last);
    std::vector<Points> seeds;
    for (const store::TrialId trial : trials) seeds.push_back(read_points(store, trial, metric));
    return average_seeds(seeds);
}

bool is_main(const std::string& metric) {
    const std::vector<std::string>& names = main_metrics();
    return metric == "loss" ||
           (std::find(names.begin(), names.end(), metric) != names.end() && metric_info(metric).unit != "s");
}

// The exact value that a metric is to be compared with, where evaluation stored one for the whole experiment.
std::optional<std::pair<std::string, double>> reference_of(const std::string& metric,
                                                           const ExperimentResults& results) {
    const std::map<std::string, std::string> known = {
        {"nll_bits", "entropy_bits_exact"}, {"free_energy", "log_z_exact"}, {"log_z_estimate", "log_z_exact"}};
    const auto special = known.find(metric);
    const std::string name = special == known.end() ? metric + "_exact" : special->second;
    const auto found = results.references.find(name);
    if (found == results.references.end() || found->second.size() != 1) return std::nullopt;
    const double value = found->second.front();
    if (!std::isfinite(value)) return std::nullopt;
    if (metric == "free_energy") return std::pair("-log Z", -value);
    return std::pair(metric == "nll_bits" ? "exact entropy" : "exact", value);
}

}  // namespace

Series average_seeds(const std::vector<Points>& seeds) {
    std::vector<double> steps;
    for (const Points& points : seeds) steps.insert(steps.end(), points.step.begin(), points.step.end());
    Series series;
    if (steps.empty()) return series;
    std::sort(steps.begin(), steps.end());
    const double first = steps.front(), last = steps.back();
    steps.erase(std::unique(steps.begin(), steps.end()), steps.end());
    const bool exact = steps.size() <= most_curve_points;
    std::map<double, Bin> bins;
    for (std::size_t seed = 0; seed < seeds.size(); ++seed) {
        if (!seeds[seed].step.empty()) ++series.seeds;
        for (std::size_t i = 0; i < seeds[seed].step.size(); ++i) {
            const double step = seeds[seed].step[i], value = seeds[seed].value[i];
            const double part = exact ? step : std::floor((step - first) / (last - first) * (most_curve_points - 1));
            bins[part].add(seed, {0, 1, value, value, value, step});
        }
    }
    for (const auto& [part, bin] : bins) append(series, bin);
    return series;
}

std::vector<Curve> load_curves(store::Store& store, const ExperimentResults& results,
                               const std::vector<std::size_t>& groups) {
    std::vector<store::TrialId> ids;
    for (const std::size_t group : groups)
        for (const std::size_t index : results.groups[group].trials) ids.push_back(results.trials[index].trial.id);
    if (ids.empty()) return {};
    std::vector<Curve> curves;
    for (const std::string& metric : by_importance(store::metric_names(store, ids))) {
        if (is_reference(metric)) continue;
        Curve curve{metric, {}};
        for (const std::size_t group : groups) {
            std::vector<store::TrialId> trials;
            for (const std::size_t index : results.groups[group].trials)
                trials.push_back(results.trials[index].trial.id);
            Series series = series_of(store, trials, metric);
            series.group = group;
            if (series.x.size() > 1) curve.series.push_back(std::move(series));
        }
        if (!curve.series.empty()) curves.push_back(std::move(curve));
    }
    return curves;
}

nlohmann::json to_page(const Curve& curve, const ExperimentResults& results) {
    const MetricInfo info = metric_info(curve.metric);
    const auto reference = reference_of(curve.metric, results);
    nlohmann::json page = {{"metric", curve.metric},
                           {"unit", info.unit},
                           {"about", info.about},
                           {"by_size", is_by_size(curve.metric)},
                           {"main", is_main(curve.metric)},
                           {"reference", reference ? nlohmann::json(reference->second) : nlohmann::json()},
                           {"reference_name", reference ? reference->first : ""},
                           {"series", nlohmann::json::array()}};
    for (const Series& series : curve.series)
        page["series"].push_back({{"group", series.group},
                                  {"n", series.seeds},
                                  {"x", rounded(series.x)},
                                  {"mean", rounded(series.mean)},
                                  {"low", rounded(series.low)},
                                  {"high", rounded(series.high)},
                                  {"min", rounded(series.min)},
                                  {"max", rounded(series.max)}});
    return page;
}

}  // namespace marginalia
