#include "store/repair.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <string_view>

#include "store/curve_parts.h"
#include "store/state.h"

namespace marginalia::store {

namespace {

// What is not what a reader expects is as if it were lost.
constexpr std::array unreadable{
    "UPDATE config SET json = '{}' WHERE NOT json_valid(json) OR json_type(json) <> 'object'",
    "UPDATE provenance SET json = '{}' WHERE NOT json_valid(json) OR json_type(json) <> 'object'",
    "UPDATE evaluation SET json = '{}' WHERE NOT json_valid(json) OR json_type(json) <> 'object'",
    // That a trial of an earlier layout is trained, nothing said.
    "UPDATE trial SET trained = 1 WHERE status = 'done' AND evaluation IS NULL",
};

// A trial of which nothing but loose points is left may be a wrong number in a point.
constexpr std::string_view trials = R"sql(
    INSERT INTO trial(id, experiment, config, seed, sweep, status, error, created)
    SELECT id, 'recovered', (SELECT coalesce(max(id), 0) + 1 FROM config), id,
        (SELECT coalesce(max(id), 0) + 1 FROM sweep), 'cancelled', 'what this trial was is lost with a damaged store', 0
    FROM (SELECT trial AS id FROM summary UNION SELECT trial FROM final_metric UNION SELECT trial FROM checkpoint
          UNION SELECT trial FROM sample UNION SELECT trial FROM evaluation
          UNION SELECT trial FROM figure) WHERE id > 0 AND id NOT IN (SELECT id FROM trial))sql";

constexpr std::array others{
    "INSERT INTO evaluation(id, trial, hash, json, status, created) SELECT evaluation, min(trial), "
    "printf('lost-%d', evaluation), '{}', 'lost', 0 FROM figure WHERE evaluation NOT IN (SELECT id FROM evaluation) "
    "GROUP BY evaluation",
    "INSERT INTO config(id, hash, json) SELECT DISTINCT config, printf('lost-%d', config), '{}' FROM trial "
    "WHERE config NOT IN (SELECT id FROM config)",
    "INSERT INTO sweep(id, experiment, description, file, toml, provenance, created) "
    "SELECT sweep, min(experiment), 'recovered', '', '', (SELECT coalesce(max(id), 0) + 1 FROM provenance), "
    "min(created) "
    "FROM trial WHERE sweep NOT IN (SELECT id FROM sweep) GROUP BY sweep",
    // A run may be that of trials of another experiment, of which then none would be.
    "INSERT INTO sweep(experiment, description, file, toml, provenance, created) "
    "SELECT experiment, 'recovered', '', '', (SELECT coalesce(max(id), 0) + 1 FROM provenance), min(created) "
    "FROM trial WHERE experiment NOT IN (SELECT experiment FROM sweep) GROUP BY experiment",
    "INSERT INTO provenance(id, json) SELECT DISTINCT provenance, '{}' FROM sweep "
    "WHERE provenance NOT IN (SELECT id FROM provenance)",
    "INSERT INTO metric_name(id, name) SELECT id, printf('recovered-%d', id) FROM "
    "(SELECT metric AS id FROM metric UNION SELECT metric FROM summary UNION SELECT metric FROM final_metric "
    "UNION SELECT metric FROM figure) WHERE id NOT IN (SELECT id FROM metric_name)",
};

constexpr std::array belong_to_nothing{
    "DELETE FROM summary WHERE trial NOT IN (SELECT id FROM trial)",
    "DELETE FROM final_metric WHERE trial NOT IN (SELECT id FROM trial)",
    "DELETE FROM figure WHERE trial NOT IN (SELECT id FROM trial)",
    "DELETE FROM evaluation WHERE trial NOT IN (SELECT id FROM trial)",
    "UPDATE trial SET evaluation = NULL WHERE evaluation NOT IN (SELECT id FROM evaluation)",
    "DELETE FROM checkpoint WHERE trial NOT IN (SELECT id FROM trial)",
    "DELETE FROM checkpoint_piece WHERE NOT EXISTS (SELECT 1 FROM checkpoint c WHERE c.trial = checkpoint_piece.trial "
    "AND c.archive = checkpoint_piece.archive) AND NOT EXISTS (SELECT 1 FROM evaluation e WHERE "
    "e.trial = checkpoint_piece.trial AND e.archive = checkpoint_piece.archive)",
    "DELETE FROM sample WHERE trial NOT IN (SELECT id FROM trial)",
    "DELETE FROM sweep_trial WHERE trial NOT IN (SELECT id FROM trial) OR sweep NOT IN (SELECT id FROM sweep)",
    "INSERT OR IGNORE INTO sweep_trial(sweep, trial) SELECT sweep, id FROM trial",
};

constexpr std::string_view summaries = R"sql(
    INSERT OR IGNORE INTO summary
    SELECT trial, metric, count(*), sum(value IS NULL),
        (SELECT value FROM metric l WHERE l.trial = m.trial AND l.metric = m.metric ORDER BY step DESC LIMIT 1),
        max(step),
        min(value), coalesce((SELECT step FROM metric l WHERE l.trial = m.trial AND l.metric = m.metric AND
                              value IS NOT NULL ORDER BY value, step LIMIT 1), 0),
        max(value), coalesce((SELECT step FROM metric l WHERE l.trial = m.trial AND l.metric = m.metric AND
                              value IS NOT NULL ORDER BY value DESC, step LIMIT 1), 0)
    FROM metric m WHERE NOT EXISTS (SELECT 1 FROM summary s WHERE s.trial = m.trial AND s.metric = m.metric)
    GROUP BY trial, metric)sql";

// Of a curve that has lost points, the figures are still those of all of them.
constexpr std::string_view counts_of_points = R"sql(
    UPDATE summary SET (n, nonfinite) = (SELECT count(*), coalesce(sum(value IS NULL), 0) FROM metric m
        WHERE m.trial = summary.trial AND m.metric = summary.metric)
    WHERE n <> (SELECT count(*) FROM metric m WHERE m.trial = summary.trial AND m.metric = summary.metric))sql";

}  // namespace

Repairs repair(Connection& connection) {
    Repairs repairs;
    for (const auto* sql : unreadable) run(connection, sql);
    run(connection, fmt::format("UPDATE evaluation SET archive = NULL WHERE id IN (SELECT id FROM {})", cut_states));
    run(connection, fmt::format("DELETE FROM {}", cut_checkpoints));
    for (const char* table : {"trial", "evaluation"})
        run(connection, fmt::format("UPDATE {} SET status = 'lost', error = 'its status is lost with a damaged store' "
                                    "WHERE status NOT IN ('{}')",
                                    table, status_names("', '")));
    repairs.stand_ins = repairs.trials = run(connection, trials);
    for (const auto* sql : others) repairs.stand_ins += run(connection, sql);
    for (const auto* sql : belong_to_nothing) run(connection, sql);
    for (const char* table : {"tag", "note", "log", "rung", "progress", "request"})
        run(connection, fmt::format("DELETE FROM {} WHERE trial NOT IN (SELECT id FROM trial)", table));
    repairs.points_lost = run(connection, "DELETE FROM metric WHERE trial NOT IN (SELECT id FROM trial)");
    {
        Rows rows(connection,
                  "SELECT coalesce(sum(max(0, n - (SELECT count(*) FROM metric m WHERE m.trial = s.trial AND "
                  "m.metric = s.metric))), 0) FROM summary s");
        if (rows.next()) repairs.points_lost += rows.integer(0);
    }
    run(connection, counts_of_points);
    run(connection, summaries);
    rebuild_parts(connection);
    return repairs;
}

}  // namespace marginalia::store
