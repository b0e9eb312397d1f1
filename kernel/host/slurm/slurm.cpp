#include "kernel/host/slurm/slurm.h"

#include <marginalia/error.h>

#include <charconv>
#include <cstdlib>
#include <sstream>

#include "kernel/base/child_process.h"
#include "kernel/base/printable.h"

namespace marginalia {
namespace {

constexpr std::int64_t default_longest_array = 1001;

std::optional<std::int64_t> number_in(const char* variable) {
    const char* text = std::getenv(variable);
    if (!text || !*text) return std::nullopt;
    std::int64_t number = 0;
    const char* end = text + std::string_view(text).size();
    const auto [stop, error] = std::from_chars(text, end, number);
    return error == std::errc() && stop == end ? std::optional(number) : std::nullopt;
}

// In single quotes, as a shell takes it word for word.
std::string quoted(const std::string& word) {
    std::string text = "'";
    for (const char c : word) text += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return text + "'";
}

std::string directive(const std::string& option, const std::string& value) {
    return value.empty() ? "" : "#SBATCH --" + option + "=" + value + "\n";
}

// "123_4 RUNNING" -> {4, "RUNNING"}; of an array that waits as a whole squeue writes a line a task with --array.
void add_state(std::map<std::int64_t, std::string>& states, const std::string& line) {
    const std::size_t bar = line.find('_'), blank = line.find(' ');
    if (bar == line.npos || blank == line.npos || bar > blank) return;
    std::int64_t task = 0;
    const auto [stop, error] = std::from_chars(line.data() + bar + 1, line.data() + blank, task);
    if (error == std::errc() && stop == line.data() + blank) states[task] = line.substr(blank + 1);
}

}  // namespace

std::string job_script(const SlurmSettings& settings, const std::string& name, const std::filesystem::path& logs,
                       const std::vector<std::string>& command) {
    std::string script =
        "#!/bin/bash\n# Written by `marginalia submit`. Task K of the array does the trials in tasks/K.db.\n";
    script += directive("job-name", name) + directive("output", (logs / "%A_%a.out").string()) +
              directive("open-mode", "append") + directive("cpus-per-task", std::to_string(settings.cores)) +
              directive("signal", "B:USR1@" + std::to_string(settings.warning)) + "#SBATCH --requeue\n" +
              directive("partition", settings.partition) + directive("account", settings.account) +
              directive("time", settings.time) + directive("gres", settings.gres) + directive("mem", settings.memory);
    std::istringstream options(settings.options);
    for (std::string option; options >> option;) script += "#SBATCH " + option + "\n";
    if (!settings.setup.empty()) script += settings.setup + "\n";
    script += "exec";
    for (const std::string& word : command) script += " " + quoted(word);
    return script + " \"$1\"\n";
}

std::int64_t longest_array() {
    std::istringstream lines(output_of({"scontrol", "show", "config"}).value_or(""));
    for (std::string line; std::getline(lines, line);)
        if (line.starts_with("MaxArraySize")) {
            const std::int64_t size = std::atoll(line.c_str() + std::min(line.size(), line.find('=') + 1));
            if (size > 0) return size;
        }
    return default_longest_array;
}

std::int64_t submit_array(const std::filesystem::path& script, std::int64_t first, std::int64_t count,
                          std::int64_t parallel) {
    const std::string array = "0-" + std::to_string(count - 1) + (parallel > 0 ? "%" + std::to_string(parallel) : "");
    const auto [code, words] =
        answer_of({"sbatch", "--parsable", "--array=" + array, script.string(), std::to_string(first)});
    std::int64_t job = 0;
    if (code == 0) std::from_chars(words.data(), words.data() + words.size(), job);
    if (job > 0) return job;
    throw Error(code == not_started
                    ? "sbatch is not installed here; give this command on a login node of a Slurm cluster"
                    : "sbatch did not accept the job: " + printable(words.empty() ? "it said nothing" : words));
}

std::optional<std::map<std::int64_t, std::string>> task_states(std::int64_t job) {
    const auto [code, words] =
        answer_of({"squeue", "--noheader", "--array", "--format=%i %T", "--jobs=" + std::to_string(job)});
    std::map<std::int64_t, std::string> states;
    if (code != 0) return words.find("Invalid job id") == words.npos ? std::nullopt : std::optional(states);
    std::istringstream lines(words);
    for (std::string line; std::getline(lines, line);) add_state(states, line);
    return states;
}

ArrayTask this_task() {
    const auto job = number_in("SLURM_ARRAY_JOB_ID"), task = number_in("SLURM_ARRAY_TASK_ID");
    if (!job || !task)
        throw Error("this is not a task of a Slurm array job; `marginalia submit FILE` makes one that does this");
    const auto ends = number_in("SLURM_JOB_END_TIME");
    return {*job, *task, number_in("SLURM_RESTART_COUNT").value_or(0),
            ends ? std::optional(static_cast<double>(*ends)) : std::nullopt};
}

bool requeue(const ArrayTask& task) {
    const std::string name = std::to_string(task.job) + "_" + std::to_string(task.task);
    return answer_of({"scontrol", "requeue", name}).code == 0;
}

}  // namespace marginalia
