#include "store/queries.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "store/error.h"
#include "store/state.h"

namespace marginalia::store {

namespace {

std::string status_list(const std::vector<Status>& statuses) {
    std::vector<std::string_view> names;
    for (const auto status : statuses) names.push_back(name_of(status));
    return json_list(names);
}

void read_last_attempt(Connection& connection, TrialDetails& details) {
    Rows row(connection,
             "SELECT host, boot_id, pid, pid_start, threads, coalesce(device_name, ''), coalesce(device_id, ''), "
             "coalesce(device_memory, 0), coalesce(driver, '') FROM trial WHERE id = ?",
             details.trial.id);
    if (!row.next()) throw no_such_trial(connection, details.trial.id);
    details.owner = {row.text(0), row.text(1), row.integer(2), row.integer(3)};
    details.threads = row.integer(4);
    details.hardware = {row.text(5), row.text(6), row.integer(7), row.text(8)};
}

std::vector<FinalMetric> final_metrics_of(Connection& connection, TrialId trial) {
    Rows rows(connection, "SELECT name, value FROM final_metrics WHERE trial_id = ? ORDER BY name", trial);
    std::vector<FinalMetric> found;
    while (rows.next()) found.push_back({rows.text(0), rows.real(1)});
    return found;
}

// `metric` empty: of all.
std::vector<MetricSummary> summaries_of(Connection& connection, TrialId trial, std::string_view metric = {}) {
    Rows rows(connection,
              "SELECT name, n, nonfinite, last, last_step, min, coalesce(min_step, 0), max, coalesce(max_step, 0) FROM "
              "summaries WHERE trial_id = ?1 AND (?2 = '' OR name = ?2) ORDER BY name",
              trial, metric);
    std::vector<MetricSummary> found;
    while (rows.next())
        found.push_back({rows.text(0), rows.integer(1), rows.integer(2), rows.real(3), rows.integer(4), rows.real(5),
                         rows.integer(6), rows.real(7), rows.integer(8)});
    return found;
}

std::vector<EvaluationInfo> evaluations_of(Connection& connection, TrialId trial) {
    std::vector<EvaluationInfo> found;
    {
        Rows rows(connection,
                  "SELECT evaluation_id, config, shown, status, coalesce(error, '') FROM evaluations "
                  "WHERE trial_id = ? ORDER BY shown DESC, evaluation_id DESC",
                  trial);
        while (rows.next()) {
            auto& info = found.emplace_back();
            info.id = rows.integer(0);
            info.config = rows.text(1);
            info.shown = rows.integer(2) != 0;
            info.status = read_status(rows, 3);
            info.error = rows.text(4);
        }
    }
    for (auto& info : found) {
        Rows rows(connection,
                  "SELECT name, value FROM evaluation_metrics WHERE trial_id = ? AND evaluation_id = ? "
                  "ORDER BY name",
                  trial, info.id);
        while (rows.next()) info.figures.push_back({rows.text(0), rows.real(1)});
    }
    return found;
}

std::vector<SampleInfo> sample_infos_of(Connection& connection, TrialId trial) {
    Rows rows(connection,
              "SELECT name, step, kind, length(CAST(data AS BLOB)) FROM sample WHERE trial = ? "
              "ORDER BY name, step",
              trial);
    std::vector<SampleInfo> found;
    while (rows.next()) found.push_back({rows.text(0), rows.integer(1), rows.text(2), rows.integer(3)});
    return found;
}

}  // namespace

std::vector<Trial> list_trials(Store& store, const TrialFilter& filter) {
    Rows rows(store.connection(),
              select_trial +
                  "WHERE (?1 = '' OR t.experiment = ?1) "
                  "AND (?2 = '[]' OR t.status IN (SELECT value FROM json_each(?2))) "
                  "AND (?3 = 0 OR t.id IN (SELECT trial FROM sweep_trial WHERE sweep = ?3)) "
                  "AND (?5 = '' OR t.id IN (SELECT value FROM json_each(?5))) "
                  "ORDER BY t.id DESC LIMIT ?4",
              filter.experiment, status_list(filter.statuses), filter.sweep, filter.limit,
              filter.only ? json_list(*filter.only) : std::string());
    std::vector<Trial> trials;
    while (rows.next()) trials.push_back(read_trial(rows));
    std::ranges::reverse(trials);
    return trials;
}

std::vector<TrialId> trial_ids(Store& store, std::string_view experiment) {
    Rows rows(store.connection(), "SELECT id FROM trial WHERE ?1 = '' OR experiment = ?1 ORDER BY id", experiment);
    std::vector<TrialId> trials;
    while (rows.next()) trials.push_back(rows.integer(0));
    return trials;
}

TrialDetails trial_details(Store& store, TrialId trial) {
    auto found = store.find(trial);
    if (!found) throw no_such_trial(store.connection(), trial);
    TrialDetails details;
    details.trial = std::move(*found);
    read_last_attempt(store.connection(), details);
    details.sweep = sweep_of(store, details.trial.sweep);
    details.final_metrics = final_metrics_of(store.connection(), trial);
    details.metrics = summaries_of(store.connection(), trial);
    details.checkpoints = list_checkpoints(store, trial);
    details.samples = sample_infos_of(store.connection(), trial);
    details.evaluations = evaluations_of(store.connection(), trial);
    details.notes = notes_of(store, trial);
    return details;
}

std::optional<MetricSummary> summary_of(Store& store, TrialId trial, std::string_view metric) {
    auto found = summaries_of(store.connection(), trial, metric);
    return found.empty() ? std::nullopt : std::optional(std::move(found.front()));
}

std::map<std::string, Status> evaluation_statuses(Store& store, TrialId trial) {
    Rows rows(store.connection(),
              "SELECT e.hash, v.status FROM evaluation e JOIN evaluations v ON v.evaluation_id = e.id "
              "WHERE e.trial = ?",
              trial);
    std::map<std::string, Status> statuses;
    while (rows.next()) statuses.emplace(rows.text(0), read_status(rows, 1));
    return statuses;
}

std::vector<CheckpointInfo> list_checkpoints(Store& store, TrialId trial) {
    Rows rows(store.connection(), "SELECT trial, step, bytes, created FROM checkpoint WHERE trial = ? ORDER BY step",
              trial);
    std::vector<CheckpointInfo> found;
    while (rows.next())
        found.push_back({rows.integer(0), rows.integer(1), rows.integer(2), seconds_of(rows.integer(3))});
    return found;
}

std::vector<Sample> samples_of(Store& store, TrialId trial, std::string_view name, bool newest_only) {
    Rows rows(store.connection(),
              "SELECT name, step, kind, length(CAST(data AS BLOB)), data FROM sample s "
              "WHERE trial = ?1 AND (?2 = '' OR name = ?2) AND (NOT ?3 OR step = "
              "(SELECT max(step) FROM sample l WHERE l.trial = s.trial AND l.name = s.name)) ORDER BY name, step",
              trial, name, newest_only ? 1 : 0);
    std::vector<Sample> found;
    while (rows.next()) found.push_back({{rows.text(0), rows.integer(1), rows.text(2), rows.integer(3)}, rows.text(4)});
    return found;
}

std::vector<TrialId> done_trials(Store& store, std::string_view experiment, std::string_view config_hash,
                                 std::int64_t seed, std::int64_t limit) {
    constexpr std::string_view and_more =
        "t.experiment = ?1 AND t.seed = ?3 AND t.trained = 1 AND EXISTS (SELECT 1 FROM checkpoint k WHERE k.trial = "
        "t.id) "
        "ORDER BY t.id LIMIT ?4";
    Rows rows(
        store.connection(),
        config_hash.empty()
            ? fmt::format("SELECT t.id FROM trial t WHERE ?2 = '' AND {}", and_more)
            : fmt::format("SELECT t.id FROM config c CROSS JOIN trial t ON t.config = c.id WHERE c.hash = ?2 AND {}",
                          and_more),
        experiment, config_hash, seed, limit);
    std::vector<TrialId> found;
    while (rows.next()) found.push_back(rows.integer(0));
    return found;
}

std::vector<std::string> metric_names(Store& store, std::span<const TrialId> trials) {
    Rows rows(store.connection(),
              trials.empty() ? "SELECT name FROM metric_name n WHERE ?1 = '[]' AND (EXISTS (SELECT 1 FROM summary s "
                               "WHERE s.metric = n.id) OR EXISTS (SELECT 1 FROM final_metric f WHERE f.metric = n.id)) "
                               "ORDER BY name"
                             : "SELECT name FROM metric_name WHERE id IN "
                               "(SELECT metric FROM json_each(?1) JOIN summary ON trial = value UNION "
                               "SELECT metric FROM json_each(?1) JOIN final_metric f ON f.trial = json_each.value) "
                               "ORDER BY name",
              json_list(trials));
    std::vector<std::string> names;
    while (rows.next()) names.push_back(rows.text(0));
    return names;
}

std::map<TrialId, std::map<std::string, double>> metric_values(Store& store, std::span<const TrialId> trials,
                                                               bool or_last) {
    std::map<TrialId, std::map<std::string, double>> values;
    const auto list = json_list(trials);
    {
        Rows rows(store.connection(),
                  "SELECT f.trial_id, f.name, f.value FROM json_each(?) j CROSS JOIN "
                  "final_metrics f ON f.trial_id = j.value",
                  list);
        while (rows.next()) values[rows.integer(0)].emplace(rows.text(1), rows.real(2));
    }
    if (!or_last) return values;
    Rows rows(store.connection(),
              "SELECT s.trial_id, s.name, s.last FROM json_each(?) j CROSS JOIN "
              "summaries s ON s.trial_id = j.value",
              list);
    // emplace leaves a final value where there is one.
    while (rows.next()) values[rows.integer(0)].emplace(rows.text(1), rows.real(2));
    return values;
}

}  // namespace marginalia::store
