// Learning curves, thinned where they are read: a trial may have millions of points.
#include <fmt/format.h>

#include <cmath>

#include "store/queries.h"
#include "store/state.h"

namespace marginalia::store {

namespace {

constexpr std::string_view select_points =
    "SELECT m.step, m.value, (t.created + m.time) / 1000.0 AS time FROM metric m JOIN trial t ON t.id = m.trial "
    "WHERE m.trial = ?1 AND m.metric = (SELECT id FROM metric_name WHERE name = ?2) ";

CurvePoint read_point(const Rows& row) { return {row.integer(0), row.real(1), row.real(2)}; }

// Of the least step or the greatest.
std::optional<CurvePoint> end_point(Store& store, TrialId trial, std::string_view name, std::string_view order) {
    Rows row(store.connection(), fmt::format("{}ORDER BY m.step {} LIMIT 1", select_points, order), trial, name);
    return row.next() ? std::optional(read_point(row)) : std::nullopt;
}

// The last point of a step up to `step`.
std::optional<CurvePoint> point_before(Store& store, TrialId trial, std::string_view name, std::int64_t step) {
    Rows row(store.connection(), std::string(select_points) + "AND m.step <= ?3 ORDER BY m.step DESC LIMIT 1", trial,
             name, step);
    return row.next() ? std::optional(read_point(row)) : std::nullopt;
}

// One look-up a point that is wanted, whatever the number of those that are there.
std::vector<CurvePoint> thinned_curve(Store& store, TrialId trial, std::string_view name, std::int64_t first,
                                      std::int64_t last, std::size_t wanted) {
    std::vector<CurvePoint> points;
    const double distance = (static_cast<double>(last) - static_cast<double>(first)) / static_cast<double>(wanted);
    for (std::size_t i = 1; i <= wanted; ++i) {
        const auto step = i == wanted ? last : first + static_cast<std::int64_t>(static_cast<double>(i) * distance);
        const auto point = point_before(store, trial, name, step);
        if (point && (points.empty() || points.back().step < point->step)) points.push_back(*point);
    }
    return points;
}

std::int64_t count_points(Store& store, TrialId trial, std::string_view name) {
    Rows row(store.connection(), "SELECT n FROM summaries WHERE trial_id = ? AND name = ?", trial, name);
    return row.next() ? row.integer(0) : 0;
}

}  // namespace

std::optional<StepRange> finite_steps(Store& store, TrialId trial, std::string_view name) {
    StepRange range;
    for (const char* order : {"ASC", "DESC"}) {
        Rows row(store.connection(),
                 std::string(select_points) + "AND m.value IS NOT NULL ORDER BY m.step " + order + " LIMIT 1", trial,
                 name);
        if (!row.next()) return std::nullopt;
        (order[0] == 'A' ? range.first : range.last) = row.integer(0);
    }
    Rows row(store.connection(), "SELECT n - nonfinite AS points FROM summaries WHERE trial_id = ? AND name = ?", trial,
             name);
    range.points = row.next() ? row.integer(0) : 0;
    return range;
}

// A question a part, each along the primary key; grouped by part, all points would be sorted first.
std::vector<CurvePart> metric_parts(Store& store, TrialId trial, std::string_view name, std::int64_t first,
                                    std::int64_t last, std::int64_t parts) {
    // As precise as steps are, and wider than the difference of any two.
    const long double start = first,
                      width = (static_cast<long double>(last) - start) / static_cast<long double>(parts - 1);
    const auto begin_of = [&](std::int64_t part) {
        if (part == 0 || part >= parts - 1) return part == 0 ? first : last;
        return static_cast<std::int64_t>(start + std::ceil(static_cast<long double>(part) * width));
    };
    std::vector<CurvePart> found;
    for (std::int64_t part = 0; part < parts; ++part) {
        const std::int64_t begin = begin_of(part), end = part == parts - 1 ? last : begin_of(part + 1) - 1;
        Rows row(store.connection(),
                 "SELECT count(*), sum(m.value), min(m.value), max(m.value), total(m.step) FROM metric m "
                 "WHERE m.trial = ?1 AND m.metric = (SELECT id FROM metric_name WHERE name = ?2) "
                 "AND m.value IS NOT NULL AND m.step BETWEEN ?3 AND ?4",
                 trial, name, begin, end);
        if (begin <= end && row.next() && row.integer(0) > 0)
            found.push_back({part, row.integer(0), row.real(1), row.real(2), row.real(3), row.real(4)});
    }
    return found;
}

std::vector<CurvePoint> metric_curve(Store& store, TrialId trial, std::string_view name, std::size_t max_points) {
    if (max_points > 0 && count_points(store, trial, name) > static_cast<std::int64_t>(max_points)) {
        const auto first = end_point(store, trial, name, "ASC"), last = end_point(store, trial, name, "DESC");
        if (first && last) return thinned_curve(store, trial, name, first->step, last->step, max_points);
    }
    Rows rows(store.connection(), std::string(select_points) + "ORDER BY m.step", trial, name);
    std::vector<CurvePoint> points;
    while (rows.next()) points.push_back(read_point(rows));
    return points;
}

}  // namespace marginalia::store
