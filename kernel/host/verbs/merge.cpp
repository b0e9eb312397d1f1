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
#include "store/merge.h"

namespace marginalia {
namespace {

namespace fs = std::filesystem;

struct MergeOptions {
    std::string store;
    std::vector<std::string> shards;
};

// What the tasks of a job have handed over; a task that has begun nothing and never will gives its trials back.
store::Merged merge_job(store::Store& store, const JobFolder& folder) {
    store::Merged merged;
    const auto facts = folder.facts();
    if (!facts) throw Error(folder.path().string() + " is no folder of a submitted job");
    for (std::size_t job = 0; job < facts->jobs.size(); ++job) {
        const auto states = task_states(facts->jobs[job]);
        const std::int64_t first = static_cast<std::int64_t>(job) * facts->tasks_per_job;
        for (std::int64_t task = first; task < std::min(first + facts->tasks_per_job, facts->tasks); ++task) {
            const bool goes_on = !states || states->contains(task - first);
            merged += store::merge_shard(store, folder.newest(task).value_or(folder.first_store(task)),
                                         goes_on ? fmt::format("slurm:{}", facts->jobs[job]) : "");
        }
    }
    return merged;
}

int merge(const MergeOptions& options, std::ostream& out) {
    store::Store store = open_store(options.store);
    store::Merged merged;
    std::vector<JobFolder> jobs;
    for (const std::string& shard : options.shards)
        if (fs::is_directory(shard)) jobs.emplace_back(shard);
        else merged += store::merge_shard(store, shard, "");
    if (options.shards.empty()) jobs = JobFolder::beside(options.store);
    for (const JobFolder& job : jobs) merged += merge_job(store, job);
    for (const std::string& conflict : merged.conflicts) std::cerr << printable(conflict) << "\n";
    out << fmt::format("{} added, {} updated, {} as they were\n", count_text(merged.added, "trial"), merged.updated,
                       merged.same);
    return merged.conflicts.empty() ? exit_ok : exit_trial_failed;
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
