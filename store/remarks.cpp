#include "store/remarks.h"

#include <fmt/format.h>

#include "store/state.h"

namespace marginalia::store {

namespace {

void check_room(Store& store, TrialId trial, std::string_view table, std::size_t most) {
    auto& db = store.connection();
    if (!store.find(trial)) throw no_such_trial(db, trial);
    Rows row(db, fmt::format("SELECT count(*) FROM {} WHERE trial = ?", table), trial);
    if (row.next() && row.integer(0) >= static_cast<std::int64_t>(most))
        throw StoreError(StoreError::Kind::no_match,
                         fmt::format("trial {} has {} {}s already, and takes no more", trial, most, table));
}

}  // namespace

bool set_tag(Store& store, TrialId trial, std::string_view tag, bool wanted) {
    bool changed = false;
    store.transaction([&] {
        auto& db = store.connection();
        if (wanted) check_room(store, trial, "tag", most_tags);
        changed = run(db,
                      wanted ? "INSERT OR IGNORE INTO tag(trial, name) VALUES (?,?)"
                             : "DELETE FROM tag WHERE trial = ? AND name = ?",
                      trial, tag) > 0;
    });
    return changed;
}

void add_note(Store& store, TrialId trial, std::string_view text) {
    store.transaction([&] {
        check_room(store, trial, "note", most_notes);
        run(store.connection(), "INSERT INTO note(trial, created, text) VALUES (?,?,?)", trial, now_ms(), text);
    });
}

std::vector<Note> notes_of(Store& store, TrialId trial) {
    Rows rows(store.connection(), "SELECT created, text FROM note WHERE trial = ? ORDER BY id", trial);
    std::vector<Note> notes;
    while (rows.next()) notes.push_back({seconds_of(rows.integer(0)), rows.text(1)});
    return notes;
}

}  // namespace marginalia::store
