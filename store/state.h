// What an open Store holds, shared by the files that implement it. Internal to store/.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>

#include "store/connection.h"
#include "store/error.h"
#include "store/store.h"

namespace marginalia::store {

struct Store::State {
    std::unique_ptr<Connection> connection;
    // Both hold only what a commit made lasting or this transaction made: emptied by a rollback.
    std::unordered_map<std::string, std::int64_t> metric_ids;
    std::unordered_map<TrialId, std::int64_t> created_ms;

    std::int64_t metric_id(const std::string& name);
    std::int64_t created(TrialId trial);  // throws Kind::no_match if there is no such trial
};

// Everything that a Trial holds, from `trial t JOIN config c`, in the order that `read_trial` takes it.
inline constexpr std::string_view select_trial =
    "SELECT t.id, t.experiment, t.status, t.seed, c.json, c.hash, t.error, t.device, t.host, t.created, t.started, "
    "t.finished, t.attempts, coalesce((SELECT max(k.step) FROM checkpoint k WHERE k.trial = t.id), -1), t.sweep, "
    "t.ran FROM trial t JOIN config c ON c.id = t.config ";
inline constexpr int trial_columns = 16;

Trial read_trial(const Rows& row);
StoreError no_such_trial(const Connection& connection, TrialId trial);

}  // namespace marginalia::store
