// `merge`: what other machines have done.
#include <fmt/format.h>

#include <iostream>

#include "kernel/base/printable.h"
#include "kernel/host/results/text.h"
#include "kernel/host/run/exit_codes.h"
#include "kernel/host/run/open_store.h"
#include "kernel/host/slurm/job_folder.h"
#include "kernel/host/slurm/slurm.h"
#include "kernel/host/verbs/verbs.h"
#include "store/error.h"
#include "store/merge.h"

namespace marginalia {
namespace {

namespace fs = std::filesystem;

struct MergeOptions {
    std::string store;
    std::vector<std::string> shards;
};

// Into one store. A shard that cannot be read does not keep the others from coming home.
class Homecoming {
public:
    explicit Homecoming(const fs::path& file) : store_(open_store(file)) {
        store_.mark_lost();  // what runs from now on does run
    }

    void take(const fs::path& shard, const std::string& engine) {
        std::error_code missing;
        if (fs::equivalent(shard, store_.file(), missing))
            return refused_.push_back(shard.string() + " is the store itself; name those that it is to take from");
        try {
            merged_ += store::merge_shard(store_, shard, engine);
        } catch (const store::StoreError& error) {
            if (!is_of_a_shard(error.kind())) throw;
            refused_.emplace_back(error.what());
        }
    }

    // What the tasks of a job have handed over; a task that has begun nothing and never will gives its trials back.
    void take(const JobFolder& folder) {
        const auto facts = folder.facts();
        if (!facts) throw Error(folder.path().string() + " is not a folder of a submitted job");
        for (std::size_t job = 0; job < facts->jobs.size(); ++job) {
            const auto states = task_states(facts->jobs[job]);
            const std::int64_t first = static_cast<std::int64_t>(job) * facts->tasks_per_job;
            for (std::int64_t task = first; task < std::min(first + facts->tasks_per_job, facts->tasks); ++task) {
                const bool goes_on = !states || states->contains(task - first);
                take(folder.newest(task).value_or(folder.first_store(task)),
                     goes_on ? fmt::format("slurm:{}", facts->jobs[job]) : "");
            }
        }
    }

    int report(std::ostream& out) const {
        for (const std::string& conflict : merged_.conflicts) std::cerr << printable(conflict) << "\n";
        for (const std::string& why : refused_) std::cerr << "left out: " << printable(why) << "\n";
        out << fmt::format("{} added, {} updated, {} as they were\n", count_text(merged_.added, "trial"),
                           merged_.updated, merged_.same);
        if (merged_.running > 0)
            out << fmt::format("{} running here, which the next merge looks at\n",
                               count_text(merged_.running, "trial"));
        if (!refused_.empty()) return exit_store;
        return merged_.conflicts.empty() ? exit_ok : exit_trial_failed;
    }

private:
    static bool is_of_a_shard(store::StoreError::Kind kind) {
        using Kind = store::StoreError::Kind;
        return kind == Kind::missing || kind == Kind::not_a_store || kind == Kind::newer || kind == Kind::older ||
               kind == Kind::damaged || kind == Kind::no_match;
    }

    store::Store store_;
    store::Merged merged_;
    std::vector<std::string> refused_;
};

int merge(const MergeOptions& options, std::ostream& out) {
    Homecoming home(options.store);
    std::vector<JobFolder> jobs;
    for (const std::string& shard : options.shards)
        if (fs::is_directory(shard)) jobs.emplace_back(shard);
        else home.take(shard, "");
    if (options.shards.empty()) jobs = JobFolder::beside(options.store);
    for (const JobFolder& job : jobs) home.take(job);
    return home.report(out);
}

}  // namespace

void add_merge(CLI::App& app, CommandLine& line) {
    const auto [verb, options] = add_verb<MergeOptions>(
        app, line, "merge", "Bring home what other machines have done",
        [](const Common&, const MergeOptions& options, std::ostream& out) { return merge(options, out); });
    verb->add_option("into", options.store, "the store that takes it")->required();
    verb->add_option("shards", options.shards,
                     "stores, or folders of jobs that `submit` has made; none: all jobs beside the store");
}

}  // namespace marginalia
