#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "store/state.h"

namespace marginalia::store {

namespace {

constexpr std::size_t largest_blob = 1'000'000'000;  // SQLITE_MAX_LENGTH of the distributions' builds

std::vector<std::int64_t> steps_of(Connection& connection, TrialId trial) {
    Rows rows(connection, "SELECT step FROM checkpoint WHERE trial = ? ORDER BY step DESC", trial);
    std::vector<std::int64_t> steps;
    while (rows.next()) steps.push_back(rows.integer(0));
    return steps;
}

// The metric's value at `step` or the last before it; NaN if that was none or not finite.
double value_at(Connection& connection, TrialId trial, std::int64_t metric, std::int64_t step) {
    Rows row(connection,
             "SELECT value FROM metric WHERE trial = ? AND metric = ? AND step <= ? "
             "ORDER BY step DESC LIMIT 1",
             trial, metric, step);
    return row.next() ? row.real(0) : std::nan("");
}

std::optional<std::int64_t> best_step(Connection& connection, TrialId trial, std::int64_t metric, bool lowest,
                                      const std::vector<std::int64_t>& steps) {
    std::optional<std::int64_t> best;
    double best_value = 0;
    for (const auto step : steps) {
        const double value = value_at(connection, trial, metric, step);
        if (!std::isfinite(value) || (best && !(lowest ? value < best_value : value > best_value))) continue;
        best = step;
        best_value = value;
    }
    return best;
}

std::optional<std::string> bytes_of(Rows& rows, std::int64_t* step) {
    if (!rows.next()) return std::nullopt;
    if (step != nullptr) *step = rows.integer(0);
    return rows.text(1);
}

}  // namespace

void Store::add_checkpoint(TrialId trial, std::int64_t step, std::string_view bytes, const Retention& keep) {
    if (bytes.size() > largest_blob)
        throw StoreError(StoreError::Kind::too_large,
                         fmt::format("the checkpoint of trial {} at step {} has {} bytes and a store takes at most {}; "
                                     "use a smaller network",
                                     trial, step, bytes.size(), largest_blob));
    transaction([&] {
        auto& db = connection();
        state_->created(trial);
        run(db, "INSERT OR REPLACE INTO checkpoint(trial, step, created, bytes, data) VALUES (?,?,?,?,?)", trial, step,
            now_ms(), static_cast<std::int64_t>(bytes.size()), Bytes{bytes});
        const auto steps = steps_of(db, trial);
        const auto best = keep.best_metric.empty()
                              ? std::nullopt
                              : best_step(db, trial, state_->metric_id(keep.best_metric), keep.best_is_lowest, steps);
        const auto newest = static_cast<std::size_t>(std::max(1, keep.newest));
        for (auto i = newest; i < steps.size(); ++i)
            if (steps[i] != best) run(db, "DELETE FROM checkpoint WHERE trial = ? AND step = ?", trial, steps[i]);
    });
}

std::optional<std::string> Store::newest_checkpoint(TrialId trial, std::int64_t* step) {
    Rows rows(connection(), "SELECT step, data FROM checkpoint WHERE trial = ? ORDER BY step DESC LIMIT 1", trial);
    return bytes_of(rows, step);
}

std::optional<std::string> Store::checkpoint_at(TrialId trial, std::int64_t step) {
    Rows rows(connection(), "SELECT step, data FROM checkpoint WHERE trial = ? AND step = ?", trial, step);
    return bytes_of(rows, nullptr);
}

}  // namespace marginalia::store
