#include "kernel/host/verbs/plot_curves.h"

#include <fmt/format.h>
#include <marginalia/error.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "kernel/base/printable.h"
#include "kernel/spec/metrics.h"
#include "store/error.h"

namespace marginalia {
namespace {

constexpr std::int64_t most_points = 1000;  // of a trial; longer curves are thinned in the store
constexpr std::int64_t most_partners = 100'000;
constexpr std::size_t most_places = 500;  // of an average

struct Point {
    double step = 0, x = 0, y = 0;
};
using Points = std::vector<Point>;

// By step, with means of equal parts of a long curve.
Points against_steps(store::Store& store, store::TrialId trial, const std::string& metric) {
    const auto all = store::finite_steps(store, trial, metric);
    Points points;
    if (all && all->points > most_points) {
        for (const auto& part : store::metric_parts(store, trial, metric, all->first, all->last, most_points)) {
            const double step = part.step_sum / static_cast<double>(part.count);
            points.push_back({step, step, part.sum / static_cast<double>(part.count)});
        }
        return points;
    }
    for (const store::CurvePoint& point : store::metric_curve(store, trial, metric))
        points.push_back({static_cast<double>(point.step), static_cast<double>(point.step), point.value});
    return points;
}

// Since the training started, by the clock on the wall.
Points against_seconds(store::Store& store, const store::Trial& trial, const std::string& metric) {
    Points points;
    for (const store::CurvePoint& point : store::metric_curve(store, trial.id, metric, most_points))
        points.push_back({static_cast<double>(point.step),
                          point.time - trial.started.value_or(trial.created.value_or(0)), point.value});
    return points;
}

// At the steps that both metrics have.
Points against_metric(store::Store& store, store::TrialId trial, const std::string& metric, const std::string& other) {
    std::map<std::int64_t, double> partners;
    for (const auto& point : store::metric_curve(store, trial, other, most_partners))
        partners[point.step] = point.value;
    Points points;
    for (const store::CurvePoint& point : store::metric_curve(store, trial, metric, most_points))
        if (const auto partner = partners.find(point.step); partner != partners.end())
            points.push_back({static_cast<double>(point.step), partner->second, point.value});
    return points;
}

Points points_of(store::Store& store, const store::Trial& trial, const std::string& metric,
                 const std::string& against) {
    Points points = against == "steps"     ? against_steps(store, trial.id, metric)
                    : against == "seconds" ? against_seconds(store, trial, metric)
                                           : against_metric(store, trial.id, metric, against);
    std::erase_if(points, [](const Point& point) { return !std::isfinite(point.x) || !std::isfinite(point.y); });
    return points;
}

// One seed's points at one place.
struct Sum {
    double x = 0, y = 0, count = 0;
};

// The places at which seeds are averaged: their steps, or parts of those where they are many.
std::map<double, std::vector<Sum>> places_of(const std::vector<Points>& seeds) {
    std::set<double> steps;
    for (const Points& points : seeds)
        for (const Point& point : points) steps.insert(point.step);
    std::map<double, std::vector<Sum>> places;
    for (std::size_t seed = 0; seed < seeds.size(); ++seed)
        for (const Point& point : seeds[seed]) {
            const double share = (point.step - *steps.begin()) / (*steps.rbegin() - *steps.begin());
            const double place = steps.size() <= most_places ? point.step : std::floor(share * (most_places - 1.0));
            std::vector<Sum>& sums = places[place];
            sums.resize(seeds.size());
            sums[seed].x += point.x, sums[seed].y += point.y, ++sums[seed].count;
        }
    return places;
}

chart::Series averaged(const std::vector<Points>& seeds) {
    chart::Series series;
    const bool several = seeds.size() > 1;
    for (const auto& [place, sums] : places_of(seeds)) {
        std::vector<double> xs, ys;
        for (const Sum& sum : sums)
            if (sum.count > 0) xs.push_back(sum.x / sum.count), ys.push_back(sum.y / sum.count);
        const Estimate x = *estimate(xs), y = *estimate(ys);
        const double error = y.standard_error.value_or(0);
        series.x.push_back(x.mean);
        series.y.push_back(y.mean);
        if (several) series.low.push_back(y.mean - error), series.high.push_back(y.mean + error);
    }
    return series;
}

// "channels = 32, 3 seeds: 0.0412 ± 0.0031"
std::string label_of(const PlotLine& line, std::size_t seeds, const chart::Series& series) {
    std::string label = printable(line.label);
    if (seeds > 1) label += fmt::format("{}{} seeds", label.empty() ? "" : ", ", seeds);
    const double error = seeds > 1 ? series.high.back() - series.y.back() : 0;
    const std::string last =
        error > 0 ? estimate_text(series.y.back(), std::optional(error)) : number_text(series.y.back());
    return label.empty() ? "" : label + ": " + last;
}

std::string x_name_of(const std::string& metric, const std::string& against) {
    if (against == "seconds") return "seconds";
    if (against != "steps") return metric_title(against);
    switch (axis_of(metric)) {
        case Axis::sites: return "sites in the subset";
        case Axis::distance: return "distance [sites]";
        default: return "steps";
    }
}

std::string title_of(const std::string& metric, const PlotRequest& request) {
    return printable(request.title) + ": " + printable(metric_title(metric));
}

void require_scale(const chart::Chart& chart, const std::string& metric) {
    if (chart::frame_of(chart).empty())
        throw Error(fmt::format("no value of {} here is above 0; leave --log out", printable(metric)));
}

}  // namespace

chart::Chart curves_chart(store::Store& store, const std::string& metric, const std::vector<PlotLine>& lines,
                          const PlotRequest& request) {
    chart::Chart chart{.title = title_of(metric, request),
                       .x_name = printable(x_name_of(metric, request.against)),
                       .y_name = printable(metric_title(metric)),
                       .y_logarithmic = request.logarithmic,
                       .whole_x = request.against == "steps",
                       .series = {}};
    for (std::size_t i = 0; i < std::min(lines.size(), chart::most_series); ++i) {
        std::vector<Points> seeds;
        for (const store::Trial& trial : lines[i].trials)
            if (Points points = points_of(store, trial, metric, request.against); !points.empty())
                seeds.push_back(std::move(points));
        if (seeds.empty()) continue;
        chart.series.push_back(averaged(seeds));
        chart.series.back().label = label_of(lines[i], seeds.size(), chart.series.back());
    }
    if (chart.series.empty()) {
        const bool pairs = request.against != "steps" && request.against != "seconds";
        throw store::StoreError(
            store::StoreError::Kind::no_match,
            fmt::format("{}: no trial recorded {}{} while it trained; curves of what an evaluation finds need "
                        "evaluation.every, and --histogram shows final values",
                        printable(request.title), printable(metric),
                        pairs ? " and " + printable(request.against) + " at one step" : ""));
    }
    require_scale(chart, metric);
    return chart;
}

chart::Chart histogram_chart(const std::string& metric, const ExperimentResults& results, const PlotRequest& request) {
    std::vector<double> values;
    std::size_t not_finite = 0;
    for (const TrialResult& trial : results.trials) {
        const auto found = trial.finals.find(metric);
        if (found == trial.finals.end()) continue;
        if (std::isfinite(found->second)) values.push_back(found->second);
        else ++not_finite;
    }
    if (values.empty())
        throw store::StoreError(
            store::StoreError::Kind::no_match,
            fmt::format("{}: no trial has a finite {}", printable(request.title), printable(metric)));
    const std::string left_out = not_finite > 0 ? fmt::format(" ({} more not finite)", not_finite) : "";
    chart::Chart chart{
        .title = fmt::format("{}, {}{}", title_of(metric, request), count_text(values.size(), "trial"), left_out),
        .x_name = printable(metric_title(metric)),
        .y_name = "trials",
        .x_logarithmic = request.logarithmic,
        .bars = true,
        .series = {chart::histogram(values, request.logarithmic)}};
    require_scale(chart, metric);
    return chart;
}

}  // namespace marginalia
