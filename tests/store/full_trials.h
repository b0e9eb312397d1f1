// Trials with something in every table that a trial can have rows in, and what they are compared by.
#pragma once

#include <fmt/format.h>

#include <map>
#include <string>
#include <vector>

#include "store/queries.h"
#include "store/remarks.h"
#include "store/rungs.h"
#include "tests/store/store_testing.h"

namespace marginalia::store::full_trials {

inline PlannedSweep evaluated_plan(const std::string& experiment, int configs, int seeds = 1) {
    auto sweep = plan(experiment, configs, seeds);
    for (auto& trial : sweep.trials) {
        trial.evaluation = R"({"evaluation":{"samples":10}})";
        trial.evaluation_hash = "e10";
    }
    return sweep;
}

// Something in every table that a trial can have rows in. `checkpoint`: bytes.
inline void do_everything(Store& store, TrialId trial, std::size_t checkpoint = 5'000'000) {
    REQUIRE(store.claim(trial, store.this_run(), "cuda:0", 2, {"NVIDIA H200", "GPU-1", 1 << 30, "580"}));
    for (const char* name : {"loss", "accuracy"})
        for (std::int64_t step = 0; step < 50; ++step) {
            const MetricPoint point{name, step, 1.0 / static_cast<double>(step + trial), 1e9};
            store.add_metrics(trial, {&point, 1});
        }
    store.add_checkpoint(trial, 49, std::string(checkpoint, static_cast<char>('a' + trial % 26)), {});
    store.set_status(trial, Status::done);
    if (store.find(trial)->status == Status::queued) {
        REQUIRE(store.claim(trial, store.this_run(), "cpu", 1));
        store.set_final_metric(trial, "kl", 0.1 * static_cast<double>(trial));
        store.set_status(trial, Status::done);
    }
    store.add_sample(trial, "model", 49, "text", fmt::format("of trial {}", trial));
    set_tag(store, trial, "good", true);
    set_tag(store, trial, "seen", true);
    add_note(store, trial, "looks well");
    add_note(store, trial, "second thought");
    set_back(store, trial, {0.1, "the loss is not finite"});
    store.connection().execute(
        fmt::format("INSERT INTO log VALUES ({0}, 0, 5, x'61'), ({0}, 1, 6, x'62');"
                    "INSERT INTO rung VALUES ({0}, 0, 25, 0.5, 'on', 7);"
                    "INSERT INTO progress VALUES ({0}, 'training', 3, 50, 1.5);"
                    "INSERT INTO curve_part SELECT {0}, id, 1, 49, 0, 50, 2.5, 0.25, 0.5, 1225 FROM metric_name "
                    "WHERE name = 'loss'",
                    trial));
}

// All that a trial has but for numbers that are of its file, as text: what two stores are compared by.
inline std::string everything(Store& store, TrialId trial) {
    std::string text;
    for (const std::string select :
         {"t.experiment, t.seed, t.status, t.error, t.device, t.threads, t.host, t.boot_id, t.pid, t.created, "
          "t.started, t.attempt_started, t.training_started, t.finished, t.ran, t.attempts, t.trained, "
          "t.device_name, t.device_id, t.device_memory, t.driver, t.heartbeat, c.hash, c.json, e.hash) FROM trial t "
          "JOIN config c ON c.id = t.config LEFT JOIN evaluation e ON e.id = t.evaluation WHERE t.id = ?",
          "n.name, m.step, m.value, m.time) FROM metric m JOIN metric_name n ON n.id = m.metric WHERE m.trial = ?",
          "n.name, s.n, s.last, s.min, s.max_step) FROM summary s JOIN metric_name n ON n.id = s.metric WHERE "
          "s.trial = ?",
          "n.name, p.level, p.first_step, p.last_step, p.count, p.sum, p.min, p.max, p.step_sum) FROM curve_part p "
          "JOIN "
          "metric_name n ON n.id = p.metric WHERE p.trial = ?",
          "name, value) FROM final_metrics WHERE trial_id = ?",
          "hash, json, status, error, created, finished) FROM evaluation WHERE trial = ?",
          "e.hash, n.name, f.value) FROM figure f JOIN evaluation e ON e.id = f.evaluation JOIN metric_name n ON "
          "n.id = f.metric WHERE f.trial = ?",
          "k.step, k.created, k.bytes, p.number, length(p.data), hex(substr(p.data, 1, 9))) FROM checkpoint k JOIN "
          "checkpoint_piece p ON p.trial = k.trial AND p.archive = k.archive WHERE k.trial = ?",
          "name, step, kind, data) FROM sample WHERE trial = ?", "number, created, hex(data)) FROM log WHERE trial = ?",
          "number, step, value, decision, decided) FROM rung WHERE trial = ?",
          "phase, done, total, rate) FROM progress WHERE trial = ?", "name) FROM tag WHERE trial = ?",
          "created, text) FROM note WHERE trial = ?",
          "s.experiment, s.file, s.toml, s.created, p.json) FROM sweep_trial x JOIN sweep s ON s.id = x.sweep "
          "JOIN provenance p ON p.id = s.provenance WHERE x.trial = ?"}) {
        Rows rows(store.connection(), "SELECT json_array(" + select + " ORDER BY 1", trial);
        while (rows.next()) text += rows.text(0) + "\n";
    }
    return text;
}

// How many rows of each table are the trial's: also of tables that everything() does not know yet.
inline std::map<std::string, std::int64_t> rows_of(Store& store, TrialId trial) {
    std::vector<std::string> tables;
    {
        Rows rows(store.connection(),
                  "SELECT m.name FROM sqlite_schema m JOIN pragma_table_info(m.name) c ON c.name = 'trial' "
                  "WHERE m.type = 'table' AND m.name NOT IN ('request', 'removed')");
        while (rows.next()) tables.push_back(rows.text(0));
    }
    std::map<std::string, std::int64_t> counts;
    for (const auto& table : tables)
        counts[table] = static_cast<std::int64_t>(
            number_of(store, fmt::format("SELECT count(*) FROM {} WHERE trial = {}", table, trial)));
    return counts;
}

// Two experiments, "first" of trials 1 to 3 and "second" of 4 to 6, all of them trained.
inline Store filled(const std::filesystem::path& file, std::size_t checkpoint = 5'000'000) {
    auto store = Store::open(file);
    store.enqueue(evaluated_plan("first", 3));
    store.enqueue(evaluated_plan("second", 3));
    for (TrialId trial = 1; trial <= 6; ++trial) do_everything(store, trial, checkpoint);
    return store;
}

inline const std::vector<TrialId> second{4, 5, 6};

}  // namespace marginalia::store::full_trials
