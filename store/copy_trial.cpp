// A trial that another one's work is given to.
#include <fmt/format.h>

#include "store/state.h"

namespace marginalia::store {

namespace {

// Evaluations have numbers of their own in each trial; their hashes say which is which.
void copy_figures(Connection& connection, TrialId from, TrialId to) {
    for (const char* step :
         {"INSERT INTO final_metric(trial, metric, value) SELECT ?1, metric, value FROM final_metric WHERE trial = ?2",
          "INSERT INTO evaluation(trial, hash, json, status, error, created, finished) SELECT ?1, hash, json, status, "
          "error, created, finished FROM evaluation WHERE trial = ?2 ORDER BY id",
          "UPDATE trial SET evaluation = (SELECT n.id FROM trial t JOIN evaluation o ON o.id = t.evaluation "
          "JOIN evaluation n ON n.trial = ?1 AND n.hash = o.hash WHERE t.id = ?2) WHERE id = ?1",
          "INSERT INTO figure SELECT ?1, n.id, f.metric, f.value FROM figure f "
          "JOIN evaluation o ON o.id = f.evaluation "
          "JOIN evaluation n ON n.trial = ?1 AND n.hash = o.hash WHERE f.trial = ?2"})
        run(connection, step, to, from);
}

}  // namespace

// All of it is copied, so that each of the two can be read, trained anew and forgotten by itself. Of a shorter training
// the figures stay behind, and so do the samples, which are of its end.
void copy_work(Connection& connection, const Source& source, TrialId to) {
    // Points have their times since `created`.
    run(connection,
        fmt::format("UPDATE trial SET ({0}) = (SELECT {0} FROM trial WHERE id = ?2) WHERE id = ?1",
                    source.whole
                        ? "sweep, status, error, device, threads, host, boot_id, pid, pid_start, created, "
                          "started, attempt_started, training_started, finished, ran, attempts, trained, device_name, "
                          "device_id, device_memory, driver"
                        : "device, threads, created, ran"),
        to, source.trial);
    const auto copy = [&](std::string_view table, std::string_view columns, std::string_view which) {
        run(connection,
            fmt::format("INSERT INTO {0}(trial, {1}) SELECT ?1, {1} FROM {0} WHERE trial = ?2{2}", table, columns,
                        which),
            to, source.trial);
    };
    copy("metric", "metric, step, value, time", "");
    copy("curve_part", "metric, level, last_step, first_step, count, sum, min, max, step_sum", "");
    copy("summary", "metric, n, nonfinite, last, last_step, min, min_step, max, max_step", "");
    copy("checkpoint", "step, created, bytes, data, archive",
         source.whole ? "" : " AND step = (SELECT max(step) FROM checkpoint WHERE trial = ?2)");
    copy("checkpoint_piece", "archive, number, data",
         " AND archive IN (SELECT archive FROM checkpoint WHERE trial = ?1)");
    if (source.whole) copy_figures(connection, source.trial, to);
    if (source.whole) copy("sample", "name, step, kind, data", " AND name <> 'source'");
    run(connection,
        "INSERT INTO sample(trial, name, step, kind, data) VALUES (?1, 'source', "
        "coalesce((SELECT max(step) FROM checkpoint WHERE trial = ?1), 0), 'text', ?2)",
        to, source.name);
}

}  // namespace marginalia::store
