// From layout 2 to 3: what shapes a trial's weights and how they are evaluated become two.
#include <array>
#include <string>
#include <vector>

#include "store/schema.h"

namespace marginalia::store {

namespace {

struct Config {
    std::int64_t id;
    std::string json;
};

std::vector<Config> configs_of(Connection& connection) {
    Rows rows(connection, "SELECT id, json FROM config ORDER BY id");
    std::vector<Config> configs;
    while (rows.next()) configs.push_back({rows.integer(0), rows.text(1)});
    return configs;
}

std::int64_t identity_of(Connection& connection, const ConfigParts& parts) {
    run(connection, "INSERT INTO config(hash, json) VALUES (?,?) ON CONFLICT DO NOTHING", parts.training_hash,
        parts.training);
    Rows row(connection, "SELECT id FROM config WHERE hash = ?", parts.training_hash);
    row.next();
    return row.integer(0);
}

constexpr std::array steps{
    "CREATE TEMP TABLE old_trial(trial INTEGER PRIMARY KEY, identity INTEGER, evaluation TEXT, hash TEXT, "
    "place INTEGER, first INTEGER)",
    "INSERT INTO temp.old_trial SELECT t.id, s.identity, s.evaluation, s.hash, row_number() OVER same, "
    "first_value(t.id) OVER same FROM main.trial t CROSS JOIN temp.split s ON s.config = t.config "
    "WINDOW same AS (PARTITION BY t.experiment, s.identity, t.seed ORDER BY t.status <> 'done', t.id)",
    "UPDATE main.trial SET config = (SELECT identity FROM temp.old_trial o WHERE o.trial = trial.id) "
    "WHERE id IN (SELECT trial FROM temp.old_trial WHERE place = 1)",
    "INSERT INTO main.evaluation(trial, hash, json, status, error, created, finished) "
    "SELECT t.id, o.hash, o.evaluation, CASE WHEN t.status = 'done' THEN 'done' ELSE 'queued' END, '', t.created, "
    "CASE WHEN t.status = 'done' THEN t.finished END FROM temp.old_trial o JOIN main.trial t ON t.id = o.trial "
    "ORDER BY t.id",
    "UPDATE main.trial SET evaluation = (SELECT e.id FROM main.evaluation e WHERE e.trial = trial.id) "
    "WHERE id IN (SELECT trial FROM temp.old_trial)",
    // What a training of those days had as final figures.
    "INSERT INTO main.figure SELECT f.trial, t.evaluation, f.metric, f.value FROM main.trial t "
    "CROSS JOIN main.final_metric f ON f.trial = t.id WHERE t.trained = 1 AND t.id IN (SELECT trial FROM "
    "temp.old_trial) "
    "AND f.metric NOT IN (SELECT id FROM main.metric_name WHERE name IN ('step_seconds', 'train_seconds', 'clipped'))",
    "INSERT OR IGNORE INTO main.evaluation(trial, hash, json, status, created, finished) "
    "SELECT o.first, o.hash, o.evaluation, 'done', t.created, t.finished FROM temp.old_trial o "
    "JOIN main.trial t ON t.id = o.trial WHERE o.place > 1 AND t.status = 'done' ORDER BY o.trial",
    "INSERT OR IGNORE INTO main.figure SELECT o.first, e.id, f.metric, f.value FROM temp.old_trial o "
    "JOIN main.trial t ON t.id = o.trial JOIN main.evaluation e ON e.trial = o.first AND e.hash = o.hash "
    "JOIN main.figure f ON f.trial = o.trial AND f.evaluation = t.evaluation WHERE o.place > 1 AND t.status = 'done'",
    "DELETE FROM main.config WHERE id IN (SELECT config FROM temp.split) AND id NOT IN (SELECT config FROM main.trial)",
    "DROP TABLE temp.old_trial", "DROP TABLE temp.split"};

}  // namespace

void split_configs(Connection& connection, const SplitConfig& split) {
    connection.execute(
        "CREATE TEMP TABLE split(config INTEGER PRIMARY KEY, identity INTEGER, evaluation TEXT, hash TEXT)");
    for (const auto& config : configs_of(connection)) {
        const auto parts = split(config.json);
        if (!parts) continue;
        run(connection, "INSERT INTO temp.split VALUES (?,?,?,?)", config.id, identity_of(connection, *parts),
            parts->evaluation, parts->evaluation_hash);
        run(connection, "UPDATE main.config SET json = ? WHERE id = ?", parts->training, config.id);
    }
    for (const char* step : steps) connection.execute(step);
}

}  // namespace marginalia::store
