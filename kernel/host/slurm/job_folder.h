// The folder that an array job of Slurm works in, which all nodes see. Each file is written under another name and
// renamed, so that it is there whole or not at all, and nobody locks anything: the folder may be on a network
// filesystem, where SQLite's locks cannot be relied on.
//
//   job.json        what the job is
//   job.sh          what sbatch is given, for people to read
//   tasks/7.db      the store with which task 7 begins
//   out/7-2.db      its store as its third start has handed it over (SLURM_RESTART_COUNT is 2)
//   log/4711_7.out  what its program said
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

namespace marginalia {

struct JobFacts {
    std::string experiment;
    std::vector<std::int64_t> jobs;  // Slurm's numbers: more than one where Slurm takes no array of that length
    std::int64_t tasks = 0, tasks_per_job = 0;
    double hand_over = 60;  // seconds between copies of a task's store
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(JobFacts, experiment, jobs, tasks, tasks_per_job, hand_over)

class JobFolder {
public:
    explicit JobFolder(std::filesystem::path folder) : folder_(std::move(folder)) {}

    // A new one beside the store: STORE.slurm/EXPERIMENT-N. Throws Error where it cannot be made.
    static JobFolder make(const std::filesystem::path& store, const std::string& experiment);
    // Those beside the store, by name.
    static std::vector<JobFolder> beside(const std::filesystem::path& store);

    const std::filesystem::path& path() const { return folder_; }
    std::filesystem::path script() const { return folder_ / "job.sh"; }
    std::filesystem::path logs() const { return folder_ / "log"; }
    std::filesystem::path first_store(std::int64_t task) const;
    std::filesystem::path handed_over(std::int64_t task, std::int64_t start) const;

    // What a task has handed over last; none: nothing yet.
    std::optional<std::filesystem::path> newest(std::int64_t task) const;
    // Removes what a task has handed over in the starts before this one, so that one that is started again and again
    // does not fill the disk.
    void drop_before(std::int64_t task, std::int64_t start) const;

    // nullopt: nothing has been submitted from it. Throws Error where the file is no such record.
    std::optional<JobFacts> facts() const;
    void write_facts(const JobFacts& facts) const;

private:
    std::filesystem::path folder_;
};

}  // namespace marginalia
