#include "store/merge.h"

#include <fmt/format.h>

#include <compare>
#include <tuple>

#include "store/queries.h"
#include "store/state.h"
#include "store/transfer.h"

namespace marginalia::store {

namespace {

// How far a trial has come: of two copies of one trial the one with more is the later one.
auto progress_of(const Trial& trial) {
    return std::tuple(trial.trained, trial.status == Status::done, trial.checkpoint_step, trial.attempts);
}

bool is_over(const Trial& trial) { return facts_of(trial.status).ended; }

// Everything by which two trainings of one trial would differ.
bool same_results(Store& store, Store& shard, TrialId ours, TrialId theirs) {
    const auto figures = [](Store& of, TrialId trial) {
        std::vector<std::pair<std::string, double>> found;
        Rows rows(of.connection(),
                  "SELECT n.name, f.value FROM final_metric f JOIN metric_name n ON n.id = f.metric WHERE f.trial = ? "
                  "AND n.name NOT LIKE '%second%' AND f.value IS NOT NULL ORDER BY n.name",
                  trial);
        while (rows.next()) found.emplace_back(rows.text(0), rows.real(1));
        return found;
    };
    return figures(store, ours) == figures(shard, theirs);
}

class Merge {
public:
    Merge(Store& store, const std::filesystem::path& shard, const std::string& engine)
        : store_(store), transfer_(store.connection(), shard), engine_(engine) {}

    Merged run() {
        for (const Trial& trial : list_trials(transfer_.source(), {})) take(trial);
        return std::move(merged_);
    }

private:
    void take(const Trial& theirs) {
        const auto twin = transfer_.twin_of(theirs.id);
        if (!twin) {
            ++merged_.added;
            return settle(transfer_.copy(theirs.id), theirs);
        }
        const Trial ours = *store_.find(twin->ours);
        if (ours.status == Status::running) return void(++merged_.running);
        const bool both_done = ours.status == Status::done && theirs.status == Status::done;
        if (both_done || (!twin->is_copy && is_over(ours))) return compare(ours, theirs);
        if (progress_of(theirs) > progress_of(ours) || (is_over(theirs) && !is_over(ours))) {
            ++merged_.updated;
            remove_trials(store_.connection(), std::span(&twin->ours, 1));
            return settle(transfer_.copy(theirs.id), theirs);
        }
        ++merged_.same;
        if (!is_over(ours)) settle(ours.id, theirs);
    }

    // One that has not ended is run on by the engine, or by whoever comes next.
    void settle(TrialId trial, const Trial& theirs) {
        if (is_over(theirs)) return;
        if (!engine_.empty()) {
            store_.requeue(trial, true);
            store_.hand_to(trial, engine_);
        } else if (theirs.status == Status::running || theirs.status == Status::lost) {
            const bool runs = theirs.status == Status::running;
            store_.set_status(trial, Status::lost, runs ? "the job that ran it is over" : theirs.error);
        } else {
            store_.hand_to(trial, "");
        }
    }

    void compare(const Trial& ours, const Trial& theirs) {
        ++merged_.same;
        if (theirs.status != Status::done || same_results(store_, transfer_.source(), ours.id, theirs.id)) return;
        merged_.conflicts.push_back(
            fmt::format("trial {} ({}, seed {}) was run here and, as trial {} of {}, there, with different results; "
                        "the store keeps its own",
                        ours.id, ours.experiment, ours.seed, theirs.id, transfer_.source().file().string()));
    }

    Store& store_;
    Transfer transfer_;
    const std::string& engine_;
    Merged merged_;
};

}  // namespace

Merged& Merged::operator+=(const Merged& other) {
    added += other.added;
    updated += other.updated;
    same += other.same;
    running += other.running;
    conflicts.insert(conflicts.end(), other.conflicts.begin(), other.conflicts.end());
    return *this;
}

void copy_trials(const std::filesystem::path& from, std::span<const TrialId> trials, Store& to) {
    Transfer transfer(to.connection(), from);
    to.transaction([&] {
        for (const TrialId trial : trials) transfer.copy(trial);
    });
}

Merged merge_shard(Store& store, const std::filesystem::path& shard, const std::string& engine) {
    Merge merge(store, shard, engine);
    Merged merged;
    store.transaction([&] { merged = merge.run(); });
    return merged;
}

}  // namespace marginalia::store
