#include "store/requests.h"

#include <algorithm>
#include <array>

#include "store/state.h"

namespace marginalia::store {

namespace {

constexpr std::array<std::string_view, 3> wishes{"cancel", "pause", "retry"};

Status status_after(Wish wish) { return wish == Wish::cancel ? Status::cancelled : Status::paused; }

Outcome leave_request(Store& store, TrialId trial, Wish wish) {
    run(store.connection(), "INSERT OR REPLACE INTO request(trial, what, created) VALUES (?,?,?)", trial, name_of(wish),
        now_ms());
    return Outcome::asked;
}

Outcome stop(Store& store, const Trial& trial, Wish wish) {
    const Status wished = status_after(wish);
    if (trial.status == wished) return Outcome::happened;
    if (trial.status == Status::running) return leave_request(store, trial.id, wish);
    const bool may_be_given_up = wish == Wish::cancel && trial.status == Status::paused;
    if (facts_of(trial.status).ended && !may_be_given_up) return Outcome::refused;
    store.set_status(trial.id, wished);
    return Outcome::happened;
}

Outcome retry(Store& store, const Trial& trial) {
    if (trial.status == Status::running)
        return run(store.connection(), "DELETE FROM request WHERE trial = ?", trial.id) > 0 ? Outcome::happened
                                                                                            : Outcome::refused;
    if (trial.status == Status::done || trial.status == Status::queued) return Outcome::refused;
    store.requeue(trial.id);
    return Outcome::happened;
}

Trial existing(Store& store, TrialId trial) {
    auto found = store.find(trial);
    if (!found) throw no_such_trial(store.connection(), trial);
    return std::move(*found);
}

}  // namespace

std::string_view name_of(Wish wish) { return wishes[static_cast<std::size_t>(wish)]; }

Answer ask(Store& store, TrialId trial, Wish wish) {
    if (existing(store, trial).status == Status::running) store.mark_lost();
    Answer answer;
    store.transaction([&] {
        const Trial before = existing(store, trial);
        answer.before = before.status;
        answer.outcome = wish == Wish::retry ? retry(store, before) : stop(store, before, wish);
        answer.trial = existing(store, trial);
    });
    return answer;
}

void Store::put_back(TrialId trial) {
    transaction([&] {
        const Status now = existing(*this, trial).status;
        if (now != Status::cancelled && now != Status::paused) requeue(trial);
    });
}

bool is_asked(Store& store, TrialId trial) {
    Rows rows(store.connection(),
              "SELECT host, boot_id, pid, pid_start, coalesce(heartbeat, 0) FROM trial "
              "WHERE id = ?1 AND status = 'running' AND id IN (SELECT trial FROM request)",
              trial);
    return rows.next() && is_alive(read_owner(rows, 0), store.file());
}

bool is_under_way(Store& store, std::string_view experiment) {
    Rows rows(store.connection(),
              "SELECT host, boot_id, pid, pid_start, coalesce(heartbeat, 0) FROM trial "
              "WHERE status = 'running' AND experiment = ?",
              experiment);
    while (rows.next())
        if (is_alive(read_owner(rows, 0), store.file())) return true;
    return false;
}

std::map<TrialId, Wish> pending_requests(Store& store) {
    Rows rows(store.connection(), "SELECT trial, what FROM request");
    std::map<TrialId, Wish> found;
    while (rows.next()) {
        const auto wish = std::ranges::find(wishes, rows.text(1));
        if (wish != wishes.end()) found.emplace(rows.integer(0), static_cast<Wish>(wish - wishes.begin()));
    }
    return found;
}

std::vector<OpenTrial> open_trials(Store& store, const std::string& trials) {
    const Owner me = store.this_run();
    Rows rows(store.connection(),
              "SELECT t.id, t.status, t.boot_id = ?2 AND t.pid = ?3 AND t.pid_start = ?4, coalesce(t.trained, 0), "
              "coalesce(t.evaluation, 0), "
              "CASE WHEN EXISTS (SELECT 1 FROM checkpoint k WHERE k.trial = t.id) THEN t.threads ELSE 0 END "
              "FROM json_each(?1) j CROSS JOIN trial t ON t.id = j.value "
              "WHERE t.status IN ('queued', 'running', 'preempted', 'lost')",
              trials, me.machine, me.pid, me.pid_start);
    std::vector<OpenTrial> found;
    while (rows.next())
        found.push_back({rows.integer(0), read_status(rows, 1), rows.integer(2) != 0, rows.integer(3) != 0,
                         rows.integer(4), rows.integer(5)});
    return found;
}

std::int64_t data_version(Store& store) {
    Rows rows(store.connection(), "PRAGMA data_version");
    return rows.next() ? rows.integer(0) : 0;
}

Status settle_request(Connection& connection, TrialId trial, Status status) {
    if (status == Status::running) return status;
    Status now = status;
    {
        Rows asked(connection, "SELECT what FROM request WHERE trial = ?", trial);
        if (asked.next() && !facts_of(status).ended)
            now = status_after(asked.text(0) == name_of(Wish::cancel) ? Wish::cancel : Wish::pause);
    }
    run(connection, "DELETE FROM request WHERE trial = ?", trial);
    run(connection, "DELETE FROM progress WHERE trial = ?", trial);
    return now;
}

}  // namespace marginalia::store
