#include "store/live.h"
#include "store/state.h"

namespace marginalia::store {

void write_progress(Store& store, const std::map<TrialId, TrialProgress>& trials) {
    auto& db = store.connection();
    for (const auto& [trial, progress] : trials)
        if (run(db, "UPDATE trial SET heartbeat = ?2 WHERE id = ?1 AND status = 'running'", trial, now_ms()) > 0)
            run(db, "INSERT OR REPLACE INTO progress(trial, phase, done, total, rate) VALUES (?,?,?,?,?)", trial,
                progress.phase, progress.done, progress.total, progress.rate);
}

std::map<TrialId, TrialProgress> progress_of_all(Store& store) {
    Rows rows(store.connection(),
              "SELECT p.trial, p.phase, p.done, p.total, p.rate, coalesce(t.heartbeat, 0) "
              "FROM progress p JOIN trial t ON t.id = p.trial WHERE t.status = 'running'");
    std::map<TrialId, TrialProgress> found;
    while (rows.next())
        found[rows.integer(0)] = {rows.text(1), rows.integer(2), rows.integer(3), rows.real(4),
                                  seconds_of(rows.integer(5))};
    return found;
}

}  // namespace marginalia::store
