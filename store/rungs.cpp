#include "store/rungs.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "store/error.h"
#include "store/state.h"

namespace marginalia::store {

namespace {

constexpr std::array<std::string_view, 3> decisions = {"waiting", "promoted", "pruned"};  // as Decision has them

Rung read_rung(const Rows& row, int first) {
    const auto name = row.text(first + 3);
    const auto decision = std::ranges::find(decisions, name);
    if (decision == decisions.end()) row.damaged(fmt::format("a rung's decision is '{}'", name.substr(0, 40)));
    Rung rung{row.integer(first), row.integer(first + 1), row.real(first + 2),
              static_cast<Decision>(decision - decisions.begin()), std::nullopt};
    if (!row.null(first + 4)) rung.decided = seconds_of(row.integer(first + 4));
    return rung;
}

void decide(Store& store, TrialId trial, std::int64_t number, Decision decision) {
    if (run(store.connection(), "UPDATE rung SET decision = ?3, decided = ?4 WHERE trial = ?1 AND number = ?2", trial,
            number, name_of(decision), now_ms()) == 0)
        throw StoreError(StoreError::Kind::no_match, fmt::format("trial {} has no rung {}", trial, number));
}

}  // namespace

std::string_view name_of(Decision decision) { return decisions[static_cast<std::size_t>(decision)]; }

std::map<TrialId, std::vector<Rung>> rungs_of(Store& store, std::span<const TrialId> trials) {
    Rows rows(store.connection(),
              "SELECT r.trial, r.number, r.step, r.value, r.decision, r.decided FROM json_each(?) j "
              "CROSS JOIN rung r ON r.trial = j.value ORDER BY r.trial, r.number",
              json_list(trials));
    std::map<TrialId, std::vector<Rung>> found;
    while (rows.next()) found[rows.integer(0)].push_back(read_rung(rows, 1));
    return found;
}

std::vector<Rung> rungs_of(Store& store, TrialId trial) {
    auto found = rungs_of(store, std::span(&trial, 1));
    return found.empty() ? std::vector<Rung>() : std::move(found.begin()->second);
}

std::vector<Standing> standings(Store& store, std::span<const TrialId> trials) {
    auto rungs = rungs_of(store, trials);
    Rows rows(store.connection(),
              "SELECT t.id, t.status, t.trained IS 1, "
              "coalesce((SELECT max(k.step) FROM checkpoint k WHERE k.trial = t.id), -1) "
              "FROM json_each(?) j CROSS JOIN trial t ON t.id = j.value ORDER BY t.id",
              json_list(trials));
    std::vector<Standing> found;
    while (rows.next())
        found.push_back({rows.integer(0), read_status(rows, 1), rows.integer(2) == 1, rows.integer(3),
                         std::move(rungs[rows.integer(0)])});
    return found;
}

void wait_at_rung(Store& store, TrialId trial, std::int64_t number, std::int64_t step, std::string_view metric) {
    store.transaction([&] {
        store.set_status(trial, Status::paused);
        run(store.connection(),
            "INSERT OR REPLACE INTO rung(trial, number, step, value, decision) VALUES (?1, ?2, ?3, "
            "(SELECT value FROM metric WHERE trial = ?1 AND step = ?3 AND "
            "metric = (SELECT id FROM metric_name WHERE name = ?4)), ?5)",
            trial, number, step, metric, name_of(Decision::waiting));
    });
}

void promote(Store& store, TrialId trial, std::int64_t number) {
    store.transaction([&] {
        decide(store, trial, number, Decision::promoted);
        store.requeue(trial);
    });
}

void prune(Store& store, TrialId trial, std::int64_t number, const std::string& reason) {
    store.transaction([&] {
        decide(store, trial, number, Decision::pruned);
        store.set_status(trial, Status::pruned, reason);
    });
}

void prune_at(Store& store, TrialId trial, const Rung& rung, const std::string& reason) {
    store.transaction([&] {
        run(store.connection(), "INSERT OR REPLACE INTO rung VALUES (?,?,?,?,?,?)", trial, rung.number, rung.step,
            rung.value, name_of(Decision::pruned), now_ms());
        store.set_status(trial, Status::pruned, reason);
    });
}

Setback setback_of(Store& store, TrialId trial) {
    Rows rows(store.connection(), "SELECT rate, reason FROM setback WHERE trial = ?", trial);
    return rows.next() ? Setback{rows.real(0), rows.text(1)} : Setback{};
}

void set_back(Store& store, TrialId trial, const Setback& setback) {
    store.transaction([&] {
        run(store.connection(), "INSERT OR REPLACE INTO setback(trial, rate, reason) VALUES (?,?,?)", trial,
            setback.rate, setback.reason);
        store.set_status(trial, Status::failed, setback.reason);
        store.requeue(trial);
    });
}

void forget_setback(Store& store, TrialId trial) {
    run(store.connection(), "DELETE FROM setback WHERE trial = ?", trial);
}

std::vector<TrialId> trials_set_back(Store& store) {
    Rows rows(store.connection(), "SELECT trial FROM setback ORDER BY trial");
    std::vector<TrialId> found;
    while (rows.next()) found.push_back(rows.integer(0));
    return found;
}

}  // namespace marginalia::store
