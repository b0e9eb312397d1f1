// Slurm by its own commands: sbatch, scontrol, squeue.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "kernel/spec/settings.h"

namespace marginalia {

// The script of an array job that runs `command` (words) with the script's own argument behind it.
std::string job_script(const SlurmSettings& settings, const std::string& name, const std::filesystem::path& logs,
                       const std::vector<std::string>& command);

// The longest array that this Slurm takes, by scontrol; 1,001, its default, where that does not say.
std::int64_t longest_array();

// Hands the script to sbatch as tasks 0 to `count` - 1, whose numbers in the job folder begin at `first`, and gives the
// job's number. Throws Error with what sbatch said.
std::int64_t submit_array(const std::filesystem::path& script, std::int64_t first, std::int64_t count,
                          std::int64_t parallel);

// The states of the tasks that Slurm still knows of, as squeue names them: "PENDING", "RUNNING". Empty: the job is
// over. nullopt: squeue is not there or does not answer, so that nobody knows.
std::optional<std::map<std::int64_t, std::string>> task_states(std::int64_t job);

// The place of this process in an array job, from SLURM_*.
struct ArrayTask {
    std::int64_t job = 0, task = 0;
    std::int64_t start = 0;      // how often it has been started before
    std::optional<double> ends;  // seconds since the epoch
};
// Throws Error where the process is not a task of an array job.
ArrayTask this_task();

// Has the task started again, once this process has ended. false: scontrol would not.
bool requeue(const ArrayTask& task);

}  // namespace marginalia
