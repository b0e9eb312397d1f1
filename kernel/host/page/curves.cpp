// Curves of single trials, thinned in the store.
#include <fmt/format.h>
#include <marginalia/error.h>

#include <algorithm>
#include <cmath>

#include "kernel/base/printable.h"
#include "kernel/host/page/documents.h"
#include "store/error.h"

namespace marginalia::page {
namespace {

struct Curve {
    std::vector<double> x, y, low, high;
    std::int64_t points = 0;  // in the store
};

bool in_view(std::int64_t step, const CurveView& view) {
    return (!view.from || step >= *view.from) && (!view.to || step <= *view.to);
}

Curve whole_curve(store::Store& store, store::TrialId trial, const std::string& metric, const CurveView& view) {
    Curve curve;
    for (const store::CurvePoint& point : store::metric_curve(store, trial, metric)) {
        if (!std::isfinite(point.value) || !in_view(point.step, view)) continue;
        curve.x.push_back(static_cast<double>(point.step));
        curve.y.push_back(point.value);
    }
    return curve;
}

Curve thinned_curve(store::Store& store, store::TrialId trial, const std::string& metric, const store::StepRange& all,
                    const CurveView& view) {
    const std::int64_t first = std::max(all.first, view.from.value_or(all.first));
    const std::int64_t last = std::min(all.last, view.to.value_or(all.last));
    Curve curve;
    if (first > last) return curve;
    bool thinned = false;
    for (const store::CurvePart& part :
         store::metric_parts(store, trial, metric, first, last, static_cast<std::int64_t>(view.points))) {
        const auto count = static_cast<double>(part.count);
        curve.x.push_back(part.step_sum / count);
        curve.y.push_back(part.sum / count);
        curve.low.push_back(part.min);
        curve.high.push_back(part.max);
        thinned |= part.count > 1;
    }
    if (!thinned) curve.low.clear(), curve.high.clear();
    return curve;
}

Curve curve_of(store::Store& store, store::TrialId trial, const std::string& metric, const CurveView& view) {
    const auto all = store::finite_steps(store, trial, metric);
    if (!all) return {};
    const bool few = all->points <= static_cast<std::int64_t>(view.points);
    Curve curve = few ? whole_curve(store, trial, metric, view) : thinned_curve(store, trial, metric, *all, view);
    curve.points = all->points;
    return curve;
}

// When the trial was at each step, by a line through the two points about it whose times are known.
std::vector<double> seconds_at(store::Store& store, store::TrialId trial, const std::string& metric,
                               const std::vector<double>& steps, std::size_t points) {
    const auto found = store.find(trial);
    const auto known = store::metric_curve(store, trial, metric, points);
    std::vector<double> seconds;
    if (!found || !found->started || known.empty()) return seconds;
    std::size_t next = std::min<std::size_t>(1, known.size() - 1);
    for (const double step : steps) {
        while (next + 1 < known.size() && static_cast<double>(known[next].step) < step) ++next;
        const store::CurvePoint &after = known[next], &before = known[next > 0 ? next - 1 : 0];
        const auto width = static_cast<double>(after.step - before.step);
        const double share = width > 0 ? (step - static_cast<double>(before.step)) / width : 1;
        seconds.push_back(before.time + share * (after.time - before.time) - *found->started);
    }
    return seconds;
}

Json curve_json(const Curve& curve) {
    Json json = {{"x", rounded(curve.x)}, {"y", rounded(curve.y)}};
    if (!curve.low.empty()) json["low"] = rounded(curve.low), json["high"] = rounded(curve.high);
    json["n"] = curve.points;
    return json;
}

// As the store has it; the page knows it as it was made printable.
std::string metric_named(store::Store& store, const std::string& name, const std::vector<store::TrialId>& trials) {
    for (std::string& known : store::metric_names(store, trials))
        if (known == name || printable_lines(known) == name) return std::move(known);
    throw store::StoreError(store::StoreError::Kind::no_match,
                            fmt::format("there is no metric '{}' in these trials", printable(name)));
}

}  // namespace

Json curves_document(store::Store& store, const std::string& metric, const std::vector<store::TrialId>& trials,
                     const CurveView& view) {
    const std::string name = metric_named(store, metric, trials);
    Json curves = Json::object();
    for (const store::TrialId trial : trials) {
        const Curve curve = curve_of(store, trial, name, view);
        if (curve.x.empty()) continue;
        Json& json = curves[std::to_string(trial)] = curve_json(curve);
        if (view.seconds) json["seconds"] = rounded(seconds_at(store, trial, name, curve.x, view.points));
    }
    return {{"metric", metric}, {"curves", std::move(curves)}};
}

}  // namespace marginalia::page
