// Carries trials, with everything that they have, from one store's file into another: into the trash and back
// (trash.h), and into an archive. Internal to store/.
//
// What a trial has are its row, its config, the runs of files that asked for it with their provenance, and its rows in
// every table that has a column `trial`, so that a table that is new is carried as well. Left behind are requests to
// its host and pieces of a checkpoint that was never ended. Numbers of configs, runs, metrics and evaluations are those
// of the target; what names them there is a hash, a moment and a text, a name, and again a hash. A trial keeps its
// number where that is free.
//
// To move a trial, in this order: lock the store that loses it, copy(), commit, remove_trials() there, commit. Killed
// in between, both have it, and copies() says so to whoever comes next. Rows go from file to file one by one: memory
// does not grow with them, and the log of the target holds one transaction's.
#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "store/store.h"

namespace marginalia::store {

class Transfer {
public:
    // `from` must be a store of this layout; it is only read, and may lie where nobody can write or be written to by
    // others meanwhile. `to` must outlive this. One transfer a connection at a time, begun outside of transactions.
    Transfer(Connection& to, const std::filesystem::path& from);
    ~Transfer();
    Transfer(const Transfer&) = delete;

    Store& source() { return from_; }  // to look at, in a transaction of its own

    // The trial of the target that has the same experiment, config and seed as `theirs`, a trial of the source.
    struct Twin {
        TrialId theirs = 0, ours = 0;
        bool is_copy = false;  // they were planned in the same millisecond: one is a copy of the other
    };
    std::optional<Twin> twin_of(TrialId theirs);
    std::vector<Twin> copies();  // all that the target has copies of

    // Within a transaction of the target, which must not have such a trial. Returns its number there. Throws
    // Kind::no_match where the source has no such trial, Kind::damaged where that one's config or run is missing.
    TrialId copy(TrialId theirs);

private:
    struct Part {
        std::string table;
        std::vector<std::string> columns;  // but for `trial` and a number of the row's own
    };
    std::vector<Part> read_parts();
    void check_source(TrialId theirs);
    TrialId copy_whole(TrialId theirs);
    TrialId number_for(TrialId theirs);
    void copy_sweeps(TrialId theirs);
    std::int64_t copy_sweep(std::int64_t theirs);
    void copy_row(TrialId theirs, TrialId ours);
    void copy_part(const Part& part, TrialId theirs, TrialId ours);

    Connection& to_;
    Store from_;
    const std::vector<Part> parts_;
};

// Removes trials with all that they have, and runs of files that have no trial any more, within a transaction of the
// caller's. Configs and provenance stay: others may share them.
void remove_trials(Connection& connection, std::span<const TrialId> trials);

}  // namespace marginalia::store
