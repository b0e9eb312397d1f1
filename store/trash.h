// The trash: where trials go that are removed, and come back from. It is a store like any other, beside the one whose
// trash it is, so that all verbs that read can look into it by --store.
//
// Whoever changes the trash holds the store's write lock meanwhile. A trial that a killed process has left in both is
// taken out of the trash by the next one, as the store's is the newer. Numbers of removed trials are not given to
// others, so that a trial has the same number in both.
#pragma once

#include <filesystem>
#include <functional>
#include <span>
#include <vector>

#include "store/store.h"

namespace marginalia::store {

// "marginalia.trash.db" beside "marginalia.db", or beside the file that a symbolic link of that name leads to. There
// need not be one.
std::filesystem::path trash_of(const std::filesystem::path& store);

// One thread. Everything throws StoreError; what was moved before stays moved.
class Trash {
public:
    // Makes the trash where there is none. `store`, which is open for writing, must outlive this.
    explicit Trash(Store& store);

    Store& contents() { return trash_; }

    // Moves trials of the store here and returns how many that were here before gave way to them: earlier trainings of
    // the same experiment, config and seed. Throws Kind::no_match where a process runs one of them.
    std::size_t take(std::span<const TrialId> trials);

    struct Restored {
        TrialId was = 0, is = 0;  // differ where the store has another trial of that number
    };
    // Moves trials of the trash back. Throws Kind::no_match, before anything is moved, where one of them has been
    // trained anew meanwhile.
    std::vector<Restored> give_back(std::span<const TrialId> trials);

    // Removes trials of the trash for good.
    void drop(std::span<const TrialId> trials);

private:
    void change(const std::function<void()>& body);
    void mend();
    void remove_here(std::span<const TrialId> trials);
    void check_not_running(TrialId trial);

    Store& store_;
    Store trash_;
};

// When a trial of this trash was removed, in seconds since the epoch; 0: nobody knows.
double removed_at(Store& trash, TrialId trial);

// Bytes that a trial takes of the file, as far as its rows tell: checkpoints, points, texts.
std::int64_t bytes_of_trial(Store& store, TrialId trial);

}  // namespace marginalia::store
