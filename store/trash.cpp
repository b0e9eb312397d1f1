#include "store/trash.h"

#include <fmt/format.h>

#include "store/error.h"
#include "store/state.h"
#include "store/transfer.h"

namespace marginalia::store {

namespace {

constexpr std::size_t most_moved_at_once = 200;
constexpr std::int64_t most_bytes_at_once = 64 << 20;  // the store is locked while they are copied

// As many from the front as one transaction moves; at least one.
std::span<const TrialId> portion_of(Store& store, std::span<const TrialId> trials) {
    std::size_t count = 0;
    for (std::int64_t bytes = 0; count < trials.size() && count < most_moved_at_once; ++count) {
        bytes += bytes_of_trial(store, trials[count]);
        if (count > 0 && bytes > most_bytes_at_once) break;
    }
    return trials.first(count);
}

// What is removed from one file must not come to be in neither, should the power fail.
void write_through(Store& store) { store.connection().execute("PRAGMA synchronous = FULL"); }

StoreError trained_anew(const Store& store, const Transfer::Twin& twin) {
    return {StoreError::Kind::no_match,
            fmt::format("trial {} cannot be restored: its experiment has trained the same again since, as trial {} of "
                        "store {}; to exchange them, first: marginalia rm {}",
                        twin.theirs, twin.ours, store.file().string(), twin.ours)};
}

}  // namespace

std::filesystem::path trash_of(const std::filesystem::path& store) {
    std::error_code none;
    auto file = std::filesystem::is_symlink(store, none) ? std::filesystem::canonical(store, none) : store;
    auto name = file.stem();
    name += ".trash";
    name += file.extension();
    return file.replace_filename(name);
}

double removed_at(Store& trash, TrialId trial) {
    Rows row(trash.connection(), "SELECT time FROM removed WHERE trial = ?", trial);
    return row.next() ? seconds_of(row.integer(0)) : 0;
}

std::int64_t bytes_of_trial(Store& store, TrialId trial) {
    // By layout: a piece's bytes and the links of its pages; a point; all the small rows together.
    Rows row(store.connection(),
             "SELECT (SELECT coalesce(sum(length(data)), 0) * 4096 / 4092 FROM checkpoint_piece WHERE trial = ?1) + "
             "(SELECT coalesce(sum(length(data)), 0) * 4096 / 4092 FROM checkpoint WHERE trial = ?1) + "
             "(SELECT coalesce(sum(n), 0) * 26 + count(*) * 100 FROM summary WHERE trial = ?1) + "
             "(SELECT coalesce(sum(length(CAST(data AS BLOB))), 0) FROM sample WHERE trial = ?1) + "
             "(SELECT coalesce(sum(length(data)), 0) FROM log WHERE trial = ?1) + 500",
             trial);
    row.next();
    return row.integer(0);
}

Trash::Trash(Store& store) : store_(store), trash_(Store::open(trash_of(store.file()))) {
    write_through(store_);
    write_through(trash_);
    mend();
}

// In one transaction of the trash, with the store locked from before its beginning until after its end.
void Trash::change(const std::function<void()>& body) {
    store_.transaction([&] {
        if (trash_.has_moved())
            throw StoreError(StoreError::Kind::moved, fmt::format("the trash {} was moved or deleted meanwhile; give "
                                                                  "the same command again",
                                                                  trash_.file().string()));
        trash_.transaction(body);
    });
}

void Trash::mend() {
    Transfer transfer(trash_.connection(), store_.file());
    change([&] {
        std::vector<TrialId> left_over;
        for (const auto& twin : transfer.copies()) left_over.push_back(twin.ours);
        remove_here(left_over);
    });
}

void Trash::remove_here(std::span<const TrialId> trials) {
    remove_trials(trash_.connection(), trials);
    for (const auto trial : trials) run(trash_.connection(), "DELETE FROM removed WHERE trial = ?", trial);
}

void Trash::check_not_running(TrialId trial) {
    const auto found = store_.find(trial);
    if (!found) throw no_such_trial(store_.connection(), trial);
    if (found->status == Status::running)
        throw StoreError(StoreError::Kind::no_match,
                         fmt::format("trial {} is running; stop it before it is removed", trial));
}

std::size_t Trash::take(std::span<const TrialId> trials) {
    Transfer transfer(trash_.connection(), store_.file());
    std::size_t replaced = 0;
    const auto now = now_ms();
    const auto copy = [&](TrialId trial) {
        check_not_running(trial);
        if (const auto twin = transfer.twin_of(trial)) {
            remove_here({&twin->ours, 1});
            ++replaced;
        }
        run(trash_.connection(), "INSERT OR REPLACE INTO removed(trial, time) VALUES (?,?)", transfer.copy(trial), now);
    };
    while (!trials.empty()) {
        const auto some = portion_of(store_, trials);
        store_.transaction([&] {
            change([&] {
                for (const auto trial : some) copy(trial);
            });
            remove_trials(store_.connection(), some);
            for (const auto trial : some)
                run(store_.connection(), "INSERT OR REPLACE INTO removed(trial, time) VALUES (?,?)", trial, now);
        });
        trials = trials.subspan(some.size());
    }
    return replaced;
}

std::vector<Trash::Restored> Trash::give_back(std::span<const TrialId> trials) {
    std::vector<Restored> restored;
    {
        Transfer transfer(store_.connection(), trash_.file());
        const auto is_there = [&](TrialId trial) {
            const auto twin = transfer.twin_of(trial);
            if (twin && !twin->is_copy) throw trained_anew(store_, *twin);
            return twin.has_value();
        };
        for (const auto trial : trials) is_there(trial);
        while (!trials.empty()) {
            const auto some = portion_of(trash_, trials);
            store_.transaction([&] {
                for (const auto trial : some) {
                    if (is_there(trial)) continue;
                    restored.push_back({trial, transfer.copy(trial)});
                    run(store_.connection(), "DELETE FROM removed WHERE trial = ?", trial);
                }
            });
            trials = trials.subspan(some.size());
        }
    }
    mend();
    return restored;
}

void Trash::drop(std::span<const TrialId> trials) {
    change([&] { remove_here(trials); });
}

}  // namespace marginalia::store
