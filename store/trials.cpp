// The life of a trial: planned, claimed, ended, found lost, queued again.
#include <fmt/format.h>

#include "store/requests.h"
#include "store/state.h"

namespace marginalia::store {

namespace {

std::int64_t add_sweep(Connection& connection, const PlannedSweep& sweep, std::int64_t now) {
    const auto provenance = provenance_id(connection, sweep.provenance);
    run(connection, "INSERT INTO sweep(experiment, description, file, toml, provenance, created) VALUES (?,?,?,?,?,?)",
        sweep.experiment, sweep.description, sweep.file, sweep.toml, provenance, now);
    return connection.last_id();
}

std::int64_t config_id(Connection& connection, const PlannedTrial& plan) {
    {
        Rows known(connection, "SELECT id FROM config WHERE hash = ?", plan.config_hash);
        if (known.next()) return known.integer(0);
    }
    run(connection, "INSERT INTO config(hash, json) VALUES (?,?)", plan.config_hash, plan.config);
    return connection.last_id();
}

std::optional<TrialId> known_trial(Connection& connection, const std::string& experiment, std::int64_t config,
                                   std::int64_t seed) {
    Rows rows(connection, "SELECT id FROM trial WHERE experiment = ? AND config = ? AND seed = ?", experiment, config,
              seed);
    return rows.next() ? std::optional(rows.integer(0)) : std::nullopt;
}

Trial new_trial(Connection& connection, const std::string& experiment, const PlannedTrial& plan, std::int64_t config,
                std::int64_t sweep, std::int64_t now) {
    Trial trial;
    trial.id = next_trial_number(connection);
    run(connection,
        "INSERT INTO trial(id, experiment, config, seed, sweep, status, created) VALUES (?,?,?,?,?,'queued',?)",
        trial.id, experiment, config, plan.seed, sweep, now);
    trial.experiment = experiment;
    trial.seed = plan.seed;
    trial.config = plan.config;
    trial.config_hash = plan.config_hash;
    trial.created = static_cast<double>(now) / 1000.0;
    trial.sweep = sweep;
    return trial;
}

// The evaluation that is shown has the status of its trial, if that is trained.
void copy_status(Connection& connection, TrialId trial) {
    run(connection,
        "UPDATE evaluation SET (status, error, finished) = (SELECT status, error, finished FROM trial WHERE id = ?1) "
        "WHERE id = (SELECT evaluation FROM trial WHERE id = ?1 AND trained = 1)",
        trial);
}

// A text that some worker sent is not to fill the store; nobody reads more of it. Cut between characters of UTF-8.
std::string kept_of(const std::string& error) {
    constexpr std::size_t most = 4000;
    if (error.size() <= most) return error;
    std::size_t end = most - 40;
    while (end > 0 && (static_cast<unsigned char>(error[end]) & 0xC0) == 0x80) --end;
    return error.substr(0, end) + fmt::format(" ... ({} more bytes)", error.size() - end);
}

}  // namespace

std::int64_t provenance_id(Connection& connection, const std::string& json) {
    {
        Rows same(connection, "SELECT id FROM provenance WHERE length(json) = length(?1) AND json = ?1", json);
        if (same.next()) return same.integer(0);
    }
    run(connection, "INSERT INTO provenance(json) VALUES (?)", json);
    return connection.last_id();
}

TrialId next_trial_number(Connection& connection) {
    Rows row(connection,
             "SELECT max(coalesce((SELECT max(id) FROM trial), 0), coalesce((SELECT max(trial) FROM removed), 0)) + 1");
    row.next();
    return row.integer(0);
}

std::vector<Trial> Store::enqueue(const PlannedSweep& planned, std::int64_t* sweep_id) {
    std::vector<Trial> trials;
    trials.reserve(planned.trials.size());
    transaction([&] {
        auto& db = connection();
        const auto now = now_ms();
        const auto sweep = sweep_id && *sweep_id != 0 ? *sweep_id : add_sweep(db, planned, now);
        if (sweep_id) *sweep_id = sweep;
        std::unordered_map<std::string_view, std::int64_t> configs;
        for (const auto& plan : planned.trials) {
            const auto [config, is_new] = configs.try_emplace(plan.config_hash, 0);
            if (is_new) config->second = config_id(db, plan);
            if (const auto known = known_trial(db, planned.experiment, config->second, plan.seed)) {
                run(db,
                    "UPDATE trial SET sweep = ? WHERE id = ? AND trained IS NOT 1 AND "
                    "status IN ('queued', 'preempted', 'lost')",
                    sweep, *known);
                trials.push_back(*find(*known));
            } else {
                trials.push_back(new_trial(db, planned.experiment, plan, config->second, sweep, now));
                if (plan.source.trial != 0) {
                    copy_work(db, plan.source, trials.back().id);
                    trials.back() = *find(trials.back().id);
                }
            }
            if (!plan.evaluation.empty()) {
                const auto evaluation = add_evaluation(trials.back().id, plan.evaluation, plan.evaluation_hash);
                if (trials.back().evaluation != evaluation) show_evaluation(trials.back().id, evaluation);
                trials.back() = *find(trials.back().id);
                trials.back().evaluation = evaluation;
            }
            run(db, "INSERT OR IGNORE INTO sweep_trial(sweep, trial) VALUES (?,?)", sweep, trials.back().id);
        }
    });
    return trials;
}

std::vector<Trial> Store::mark_lost(bool all) {
    std::vector<Trial> lost;
    transaction([&] {
        auto& db = connection();
        std::vector<TrialId> gone;
        {
            Rows rows(db,
                      "SELECT id, host, boot_id, pid, pid_start, coalesce(heartbeat, 0) FROM trial "
                      "WHERE status = 'running' ORDER BY id");
            while (rows.next())
                if (all || !is_alive(read_owner(rows, 1), file())) gone.push_back(rows.integer(0));
        }
        for (const auto trial : gone) {
            const auto now = settle_request(db, trial, Status::lost);
            const bool is_lost = now == Status::lost;
            run(db,
                "UPDATE trial SET status = ?2, finished = CASE WHEN ?3 THEN NULL ELSE ?4 END, "
                "error = CASE WHEN ?3 THEN printf('process %d, which ran it, is gone', pid) ELSE '' END WHERE id = ?1",
                trial, name_of(now), is_lost, now_ms());
            copy_status(db, trial);
            if (is_lost) lost.push_back(*find(trial));
        }
    });
    remove_free_run_locks(file());  // not before it is written that their trials are lost
    return lost;
}

bool Store::claim(TrialId trial, const Owner& owner, const std::string& device, std::int64_t threads,
                  const Hardware& hardware) {
    bool claimed = false;
    transaction([&] {
        claimed = run(connection(),
                      "UPDATE trial SET status = 'running', error = '', device = ?2, threads = ?3, host = ?4, "
                      "boot_id = ?5, pid = ?6, pid_start = ?7, started = coalesce(started, ?8), attempt_started = ?8, "
                      "training_started = CASE WHEN trained IS 1 THEN training_started ELSE ?8 END, "
                      "finished = NULL, attempts = attempts + (trained IS NOT 1), heartbeat = ?8, "
                      "device_name = nullif(?9, ''), device_id = nullif(?10, ''), device_memory = nullif(?11, 0), "
                      "driver = nullif(?12, '') "
                      "WHERE id = ?1 AND status IN ('queued', 'preempted', 'lost') AND NOT (status = 'queued' AND "
                      "device LIKE 'slurm:%')",
                      trial, device, threads, owner.host, owner.machine, owner.pid, owner.pid_start, now_ms(),
                      hardware.name, hardware.id, hardware.memory, hardware.driver) == 1;
        if (claimed) copy_status(connection(), trial);
    });
    return claimed;
}

void Store::hand_to(TrialId trial, const std::string& engine) {
    run(connection(), "UPDATE trial SET device = ?2 WHERE id = ?1 AND status = 'queued'", trial, engine);
}

void Store::set_status(TrialId trial, Status status, const std::string& error) {
    transaction([&] {
        auto& db = connection();
        const bool is_evaluation = state_->is_evaluation(trial);
        if (status == Status::done) run(db, "UPDATE trial SET trained = 1 WHERE id = ?", trial);
        const bool more = status == Status::done && !is_evaluation && state_->is_evaluation(trial);
        const auto now = settle_request(db, trial, more ? Status::queued : status);
        const bool as_asked = now == Status::cancelled || now == Status::paused;
        const auto changed =
            run(db,
                "UPDATE trial SET status = ?2, error = ?3, "
                "finished = CASE WHEN ?4 THEN ?5 END, "
                "ran = ran + CASE WHEN status = 'running' THEN max(0, coalesce(?5 - attempt_started, 0)) "
                "ELSE 0 END WHERE id = ?1",
                trial, name_of(now), as_asked && now != status ? "" : kept_of(error), facts_of(now).ended, now_ms());
        if (changed == 0) throw no_such_trial(db, trial);
        copy_status(db, trial);
        run(db, "UPDATE evaluation SET archive = NULL WHERE trial = ? AND archive IS NOT NULL AND status = 'done'",
            trial);
        if (status == Status::done) drop_unfinished_checkpoint(trial);
    });
}

std::int64_t Store::add_evaluation(TrialId trial, const std::string& json, const std::string& hash) {
    {
        Rows known(connection(), "SELECT id FROM evaluation WHERE trial = ? AND hash = ?", trial, hash);
        if (known.next()) return known.integer(0);
    }
    run(connection(), "INSERT INTO evaluation(trial, hash, json, status, created) VALUES (?,?,?,'queued',?)", trial,
        hash, json, now_ms());
    return connection().last_id();
}

void Store::show_evaluation(TrialId trial, std::int64_t evaluation) {
    transaction([&] {
        auto& db = connection();
        const auto found = find(trial);
        if (!found) throw no_such_trial(db, trial);
        if (found->status == Status::running || found->evaluation == evaluation) return;
        run(db,
            "DELETE FROM final_metric WHERE trial = ?1 AND metric IN "
            "(SELECT metric FROM figure WHERE trial = ?1 AND evaluation = ?2)",
            trial, found->evaluation);
        run(db,
            "INSERT OR REPLACE INTO final_metric SELECT trial, metric, value FROM figure "
            "WHERE trial = ? AND evaluation = ?",
            trial, evaluation);
        run(db, "UPDATE trial SET evaluation = ?2 WHERE id = ?1", trial, evaluation);
        run(db,
            "UPDATE trial SET (status, error, finished) = (SELECT status, error, finished FROM evaluation "
            "WHERE id = ?2) WHERE id = ?1 AND trained = 1",
            trial, evaluation);
    });
}

void Store::requeue(TrialId trial, bool even_running) {
    transaction([&] {
        const auto changed = run(connection(),
                                 "UPDATE trial SET status = 'queued', error = '', finished = NULL, "
                                 "started = CASE WHEN trained = 1 THEN started END, "
                                 "sweep = CASE WHEN trained = 1 THEN sweep ELSE "
                                 "coalesce((SELECT max(sweep) FROM sweep_trial WHERE trial = ?1), sweep) END "
                                 "WHERE id = ?1 AND (?2 OR status <> 'running')",
                                 trial, even_running);
        if (changed == 0 && !find(trial)) throw no_such_trial(connection(), trial);
        copy_status(connection(), trial);
    });
}

}  // namespace marginalia::store
