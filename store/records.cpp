// What a trial records while it runs: points with their summaries, final metrics, samples.
#include <algorithm>
#include <cmath>
#include <limits>

#include "store/curve_parts.h"
#include "store/state.h"

namespace marginalia::store {

namespace {

struct Summary {
    std::int64_t n = 0;
    std::int64_t nonfinite = 0;
    double last = std::nan("");
    std::int64_t last_step = std::numeric_limits<std::int64_t>::min();
    double min = std::nan("");
    std::int64_t min_step = 0;
    double max = std::nan("");
    std::int64_t max_step = 0;

    // Steps must come in rising order.
    void add(std::int64_t step, double value) {
        ++n;
        last_step = step;
        last = value;
        if (!std::isfinite(value)) {
            ++nonfinite;
            return;
        }
        if (!(value >= min)) min = value, min_step = step;
        if (!(value <= max)) max = value, max_step = step;
    }
};

Summary read_summary(Connection& connection, TrialId trial, std::int64_t metric) {
    Rows row(
        connection,
        "SELECT n, nonfinite, last, last_step, min, coalesce(min_step, 0), max, coalesce(max_step, 0) FROM summary "
        "WHERE trial = ? AND metric = ?",
        trial, metric);
    if (!row.next()) return {};
    return {row.integer(0), row.integer(1), row.real(2), row.integer(3),
            row.real(4),    row.integer(5), row.real(6), row.integer(7)};
}

Summary summary_of_points(Connection& connection, TrialId trial, std::int64_t metric) {
    Rows points(connection, "SELECT step, value FROM metric WHERE trial = ? AND metric = ? ORDER BY step", trial,
                metric);
    Summary summary;
    while (points.next()) summary.add(points.integer(0), points.real(1));
    return summary;
}

void write_summary(Connection& connection, TrialId trial, std::int64_t metric, const Summary& s) {
    if (s.n == 0) run(connection, "DELETE FROM summary WHERE trial = ? AND metric = ?", trial, metric);
    else
        run(connection, "INSERT OR REPLACE INTO summary VALUES (?,?,?,?,?,?,?,?,?,?)", trial, metric, s.n, s.nonfinite,
            s.last, s.last_step, s.min, s.min_step, s.max, s.max_step);
}

// The points of one metric in one call.
struct Group {
    const std::string* name;
    std::vector<const MetricPoint*> points;
};

// Few names come again and again in the same order, so the one after the last found is tried first.
std::vector<Group> by_name(std::span<const MetricPoint> points) {
    std::vector<Group> groups;
    std::unordered_map<std::string_view, std::size_t> places;
    std::size_t next = 0;
    for (const auto& point : points) {
        if (next >= groups.size()) next = 0;
        if (groups.empty() || *groups[next].name != point.name) {
            const auto [place, is_new] = places.try_emplace(point.name, groups.size());
            if (is_new) groups.push_back({&point.name, {}});
            next = place->second;
        }
        groups[next++].points.push_back(&point);
    }
    return groups;
}

void add_group(Connection& connection, TrialId trial, std::int64_t metric, std::int64_t created, const Group& group) {
    auto summary = read_summary(connection, trial, metric);
    const auto parts_before = summary.n / part_points;
    const auto first = std::ranges::min(group.points, {}, &MetricPoint::step)->step;
    if (first <= summary.last_step) drop_parts(connection, trial, metric, first);
    bool in_order = true;
    for (const auto* point : group.points) {
        const auto time = static_cast<std::int64_t>(std::llround(point->time * 1000.0)) - created;
        run(connection, "INSERT OR REPLACE INTO metric VALUES (?,?,?,?,?)", trial, metric, point->step, point->value,
            time);
        in_order = in_order && point->step > summary.last_step;
        if (in_order) summary.add(point->step, point->value);
    }
    if (!in_order) summary = summary_of_points(connection, trial, metric);
    write_summary(connection, trial, metric, summary);
    if (!in_order || summary.n / part_points != parts_before) extend_parts(connection, trial, metric);
}

}  // namespace

void Store::add_metrics(TrialId trial, std::span<const MetricPoint> points) {
    if (points.empty()) return;
    transaction([&] {
        const auto created = state_->created(trial);
        for (const auto& group : by_name(points))
            add_group(connection(), trial, state_->metric_id(*group.name), created, group);
    });
}

void Store::set_final_metric(TrialId trial, const std::string& name, double value) {
    transaction([&] {
        state_->created(trial);
        const auto metric = state_->metric_id(name);
        run(connection(), "INSERT OR REPLACE INTO final_metric VALUES (?,?,?)", trial, metric, value);
        run(connection(),
            "INSERT OR REPLACE INTO figure SELECT id, evaluation, ?2, ?3 FROM trial "
            "WHERE id = ?1 AND trained = 1 AND evaluation IS NOT NULL",
            trial, metric, value);
    });
}

void Store::add_sample(TrialId trial, const std::string& name, std::int64_t step, const std::string& kind,
                       std::string_view data) {
    transaction([&] {
        state_->created(trial);
        run(connection(), "INSERT OR REPLACE INTO sample VALUES (?,?,?,?,?)", trial, name, step, kind, data);
    });
}

void Store::forget_evaluation(TrialId trial, std::int64_t evaluation) {
    transaction([&] {
        auto& db = connection();
        run(db,
            "DELETE FROM final_metric WHERE trial = ?1 AND metric IN "
            "(SELECT metric FROM figure WHERE trial = ?1 AND evaluation = ?2)",
            trial, evaluation);
        run(db, "DELETE FROM figure WHERE trial = ?1 AND evaluation = ?2", trial, evaluation);
        run(db, "UPDATE evaluation SET status = 'queued', error = '', finished = NULL, archive = NULL WHERE id = ?",
            evaluation);
    });
}

void Store::forget_after(TrialId trial, std::int64_t step) {
    transaction([&] {
        auto& db = connection();
        std::vector<std::int64_t> touched;
        {
            Rows rows(db, "SELECT metric FROM summary WHERE trial = ? AND last_step > ?", trial, step);
            while (rows.next()) touched.push_back(rows.integer(0));
        }
        for (const auto metric : touched) {
            run(db, "DELETE FROM metric WHERE trial = ? AND metric = ? AND step > ?", trial, metric, step);
            drop_parts(db, trial, metric, step + 1);
            write_summary(db, trial, metric, summary_of_points(db, trial, metric));
        }
        run(db, "DELETE FROM final_metric WHERE trial = ?", trial);
        run(db, "DELETE FROM figure WHERE trial = ?", trial);
        run(db, "UPDATE evaluation SET status = 'queued', error = '', finished = NULL, archive = NULL WHERE trial = ?",
            trial);
        run(db, "UPDATE trial SET trained = NULL WHERE id = ?", trial);
        run(db, "DELETE FROM sample WHERE trial = ? AND step > ?", trial, step);
        run(db, "DELETE FROM rung WHERE trial = ? AND step > ?", trial, step);
        run(db, "DELETE FROM checkpoint WHERE trial = ? AND step > ?", trial, step);
        drop_unfinished_checkpoint(trial);
    });
}

}  // namespace marginalia::store
