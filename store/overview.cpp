#include "store/overview.h"

#include <fmt/format.h>

#include <algorithm>

#include "store/state.h"

namespace marginalia::store {

namespace {

// Milliseconds; ?1 is now.
constexpr std::string_view milliseconds_run =
    "t.ran + CASE WHEN t.status = 'running' THEN max(0, ?1 - coalesce(t.attempt_started, ?1)) ELSE 0 END";

// ?2 is the metric's name. One that is not finite is a value too, but not one to rank by.
std::string value_in_sql(const LiveMetric& metric) {
    constexpr std::string_view columns[] = {"min", "max", "last"};
    return fmt::format("CASE WHEN f.trial IS NULL THEN s.{} ELSE f.value END",
                       columns[static_cast<std::size_t>(metric.of)]);
}

constexpr std::string_view with_metric =
    "LEFT JOIN final_metric f ON f.trial = t.id AND f.metric = (SELECT id FROM metric_name WHERE name = ?2) "
    "LEFT JOIN summary s ON s.trial = t.id AND s.metric = (SELECT id FROM metric_name WHERE name = ?2) "
    "LEFT JOIN progress p ON p.trial = t.id ";

std::string key_in_sql(const LiveOrder& order) {
    switch (order.order) {
        case TrialOrder::trial: return "t.id";
        case TrialOrder::metric: return fmt::format("nullif(nullif({}, 9e999), -9e999)", value_in_sql(order.metric));
        case TrialOrder::progress: return "p.done * 1.0 / nullif(p.total, 0)";
        case TrialOrder::left: return "CASE t.status WHEN 'running' THEN (p.total - p.done) / nullif(p.rate, 0) END";
        case TrialOrder::seconds: return std::string(milliseconds_run);
        case TrialOrder::activity: break;
    }
    return "CASE WHEN t.status = 'running' THEN 0 WHEN t.status IN ('paused', 'preempted', 'lost') THEN 1 "
           "WHEN t.status = 'queued' THEN 3 ELSE 2 END * 10000000000000000 - coalesce(t.finished, 0)";
}

}  // namespace

bool is_descending(const LiveOrder& order) {
    const bool best_is_high = order.order == TrialOrder::metric && order.metric.of == LiveMetric::Of::highest;
    const bool most = order.order == TrialOrder::progress || order.order == TrialOrder::seconds;
    return order.reversed != (best_is_high || most);
}

std::vector<TrialId> ordered_trials(Store& store, const LiveOrder& order,
                                    const std::function<bool(const TrialWords&)>& wanted) {
    const auto words = fmt::format(
        "t.status, t.experiment, {} AS config, (SELECT coalesce(group_concat(g.name, ','), '') FROM tag g "
        "WHERE g.trial = t.id) AS tags, t.seed",
        whole_config);
    const auto sql = fmt::format(
        "SELECT t.id, {} AS key{} FROM trial t {}{}WHERE (?3 = '' OR t.experiment = ?3) "
        "ORDER BY key IS NULL, key {}, t.id",
        key_in_sql(order), wanted ? ", " + words : "", with_metric,
        wanted ? "JOIN config c ON c.id = t.config LEFT JOIN evaluation e ON e.id = t.evaluation " : "",
        is_descending(order) ? "DESC" : "ASC");
    Rows rows(store.connection(), sql, now_ms(), order.metric.name, order.experiment);
    std::vector<TrialId> trials;
    while (rows.next()) {
        if (wanted) {
            const std::string status = rows.text(2), experiment = rows.text(3), config = rows.text(4),
                              tags = rows.text(5);
            if (!wanted({status, experiment, config, tags, rows.integer(6)})) continue;
        }
        trials.push_back(rows.integer(0));
    }
    return trials;
}

std::vector<LiveTrial> live_trials(Store& store, std::span<const TrialId> trials, const LiveMetric& metric) {
    const auto sql = fmt::format(
        "SELECT t.id, t.experiment, t.status, t.seed, {} AS config, t.error, t.device, t.host, {} AS seconds, "
        "t.heartbeat, coalesce(p.phase, ''), coalesce(p.done, 0), coalesce(p.total, 0), coalesce(p.rate, 0), "
        "coalesce((SELECT what FROM request r WHERE r.trial = t.id), ''), "
        "coalesce((SELECT max(k.step) FROM checkpoint k WHERE k.trial = t.id), -1), "
        "f.trial IS NOT NULL OR s.trial IS NOT NULL, {}, s.last, coalesce(s.last_step, 0) "
        "FROM json_each(?3) j CROSS JOIN trial t ON t.id = j.value {}"
        "LEFT JOIN config c ON c.id = t.config LEFT JOIN evaluation e ON e.id = t.evaluation ORDER BY j.key",
        whole_config, milliseconds_run, value_in_sql(metric), with_metric);
    Rows rows(store.connection(), sql, now_ms(), metric.name, json_list(trials));
    std::vector<LiveTrial> found;
    while (rows.next()) {
        auto& trial = found.emplace_back();
        trial.id = rows.integer(0);
        trial.experiment = rows.text(1);
        trial.status = read_status(rows, 2);
        trial.seed = rows.integer(3);
        trial.config = rows.text(4);
        trial.error = rows.text(5), trial.device = rows.text(6), trial.host = rows.text(7);
        trial.seconds = rows.real(8) / 1000, trial.heartbeat = rows.real(9) / 1000;
        trial.phase = rows.text(10);
        trial.done = rows.integer(11), trial.total = rows.integer(12), trial.rate = rows.real(13);
        trial.asked = rows.text(14);
        trial.checkpoint = rows.integer(15);
        trial.has_value = rows.integer(16) != 0;
        trial.value = rows.real(17), trial.last = rows.real(18);
        trial.last_step = rows.integer(19);
    }
    return found;
}

std::vector<TrialCount> count_trials(Store& store, std::string_view experiment) {
    Rows rows(store.connection(),
              "SELECT experiment, status, count(*), avg(ran) / 1000.0 FROM trial WHERE ?1 = '' OR experiment = ?1 "
              "GROUP BY experiment, status",
              experiment);
    std::vector<TrialCount> counts;
    while (rows.next()) counts.push_back({rows.text(0), read_status(rows, 1), rows.integer(2), rows.real(3)});
    return counts;
}

std::vector<std::string> some_configs(Store& store, std::string_view experiment, std::size_t most) {
    std::vector<std::int64_t> all, chosen;
    {
        Rows rows(store.connection(), "SELECT DISTINCT config FROM main.trial WHERE experiment = ? ORDER BY config",
                  experiment);
        while (rows.next()) all.push_back(rows.integer(0));
    }
    const std::size_t wanted = std::min(most, all.size());
    for (std::size_t i = 0; i < wanted; ++i) chosen.push_back(all[i * all.size() / wanted]);
    Rows rows(store.connection(), "SELECT c.json AS config FROM json_each(?) j CROSS JOIN config c ON c.id = j.value",
              json_list(chosen));
    std::vector<std::string> configs;
    while (rows.next()) configs.push_back(rows.text(0));
    return configs;
}

std::vector<std::string> curve_names(Store& store, std::span<const TrialId> trials) {
    Rows rows(store.connection(),
              "SELECT DISTINCT n.name FROM json_each(?) j CROSS JOIN summary s ON s.trial = j.value "
              "JOIN metric_name n ON n.id = s.metric WHERE s.n > 1 ORDER BY n.name",
              json_list(trials));
    std::vector<std::string> names;
    while (rows.next()) names.push_back(rows.text(0));
    return names;
}

}  // namespace marginalia::store
