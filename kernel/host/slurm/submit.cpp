#include <fmt/format.h>
#include <fmt/ranges.h>
#include <marginalia/error.h>

#include <functional>
#include <ostream>
#include <set>
#include <span>

#include "kernel/base/output_file.h"
#include "kernel/host/results/text.h"
#include "kernel/host/run/catalogue.h"
#include "kernel/host/run/claimer.h"
#include "kernel/host/run/open_store.h"
#include "kernel/host/run/provenance.h"
#include "kernel/host/run/run_parts.h"
#include "kernel/host/run/start_from.h"
#include "kernel/host/slurm/job.h"
#include "kernel/host/slurm/slurm.h"
#include "store/merge.h"

namespace marginalia {
namespace {

namespace fs = std::filesystem;

// What is to be submitted now: a first stage whose trials are not all done goes before.
const Experiment& next_stage(const Experiment& experiment, const fs::path& store) {
    if (experiment.stage1 && !not_done(store, *experiment.stage1).empty()) return *experiment.stage1;
    return experiment;
}

std::vector<std::string> task_command(const RunOptions& options, const JobFolder& folder) {
    std::vector<std::string> words{fs::read_symlink("/proc/self/exe").string()};
    for (const std::string& path : options.plugin_paths)
        words.insert(words.end(), {"--plugin-path", fs::absolute(path).string()});
    words.insert(words.end(), {"slurm-task", folder.path().string()});
    return words;
}

// The trials of a task, and those whose networks they start from.
std::vector<store::TrialId> trials_of(store::Store& store, std::span<const Job> jobs) {
    std::set<store::TrialId> trials;
    for (const Job& job : jobs) {
        trials.insert(job.trial);
        const std::string start_from = train_of(job.config->config).start_from;
        if (!start_from.empty() && !job.trained)
            trials.insert(network_of(store, start_from, job.config->seed, target_of(job.config->config)).trial);
    }
    return {trials.begin(), trials.end()};
}

// The jobs in order, so many to a task.
std::vector<std::span<const Job>> tasks_of(const std::vector<Job>& jobs, std::size_t size) {
    std::vector<std::span<const Job>> tasks;
    for (std::size_t begin = 0; begin < jobs.size(); begin += size)
        tasks.push_back(std::span(jobs).subspan(begin, std::min(size, jobs.size() - begin)));
    return tasks;
}

void write_stores(store::Store& store, const std::vector<std::span<const Job>>& tasks,
                  const std::function<fs::path(std::int64_t)>& file_of) {
    for (std::size_t task = 0; task < tasks.size(); ++task) {
        store::Store made = open_store(file_of(static_cast<std::int64_t>(task)));
        store::copy_trials(store.file(), trials_of(store, tasks[task]), made);
    }
}

void write_script(const JobFolder& folder, const std::string& text) {
    OutputFile file(folder.script());
    file.stream() << text;
    file.commit();
}

// One array, or several where Slurm takes none of that length.
JobFacts hand_to_slurm(const Experiment& experiment, const JobFolder& folder, std::int64_t tasks) {
    JobFacts facts{.experiment = experiment.name,
                   .jobs = {},
                   .tasks = tasks,
                   .tasks_per_job = std::min(tasks, longest_array()),
                   .hand_over = experiment.slurm.hand_over};
    folder.write_facts(facts);  // a task may start at once
    for (std::int64_t first = 0; first < tasks; first += facts.tasks_per_job) {
        const std::int64_t count = std::min(facts.tasks_per_job, tasks - first);
        facts.jobs.push_back(submit_array(folder.script(), first, count, experiment.slurm.parallel));
        folder.write_facts(facts);
    }
    return facts;
}

void mark(store::Store& store, const std::vector<std::span<const Job>>& tasks, const JobFacts& facts) {
    store.transaction([&] {
        const auto in_one = static_cast<std::size_t>(facts.tasks_per_job);
        for (std::size_t task = 0; task < tasks.size() && task / in_one < facts.jobs.size(); ++task)
            for (const Job& job : tasks[task]) {
                const auto number = facts.jobs[task / in_one];
                store.requeue(job.trial);  // one that was interrupted goes on there
                store.hand_to(job.trial, fmt::format("slurm:{}", number));
            }
    });
}

// Tasks do not see each other's trials.
void refuse_comparisons(const Experiment& experiment) {
    if (experiment.stop.rule != "none")
        throw Error("[stop] rule = \"" + experiment.stop.rule +
                    "\" compares trials with each other, which tasks on many machines cannot; submit it with "
                    "stop.rule=none");
}

// Takes a submission back, as far as Slurm has taken nothing; what it has taken of several arrays is marked.
void undo(store::Store& store, const JobFolder& folder, const std::vector<std::span<const Job>>& tasks) {
    const auto begun = folder.facts();
    if (begun) mark(store, tasks, *begun);
    if (!begun || begun->jobs.empty()) fs::remove_all(folder.path());
}

void submit(store::Store& store, const Experiment& experiment, const std::vector<Job>& jobs, const RunOptions& options,
            std::ostream& out) {
    const auto tasks = tasks_of(jobs, static_cast<std::size_t>(experiment.slurm.trials_per_task));
    const JobFolder folder = JobFolder::make(options.store, experiment.name);
    JobFacts facts;
    try {
        write_stores(store, tasks, [&](std::int64_t task) { return folder.first_store(task); });
        write_script(folder,
                     job_script(experiment.slurm, experiment.name, folder.logs(), task_command(options, folder)));
        facts = hand_to_slurm(experiment, folder, static_cast<std::int64_t>(tasks.size()));
    } catch (const std::exception&) {
        undo(store, folder, tasks);
        throw;
    }
    mark(store, tasks, facts);
    out << fmt::format("{}: {} in {} submitted as job {}; {}\n", experiment.name, count_text(jobs.size(), "trial"),
                       count_text(tasks.size(), "task"), fmt::join(facts.jobs, ", "), folder.path().string());
    out << "marginalia status shows how far they are, marginalia merge " << options.store.string()
        << " brings their results home\n";
}

// Whatever carries files to other machines and back will do; the trials stay queued here.
void write_parts(store::Store& store, const Experiment& experiment, const std::vector<Job>& jobs, std::int64_t parts,
                 std::ostream& out) {
    const auto most = static_cast<std::size_t>(parts);
    const auto tasks = tasks_of(jobs, (jobs.size() + most - 1) / most);
    const auto file_of = [&](std::int64_t part) {
        return fs::path(fmt::format("{}-{}.db", experiment.name, part + 1));
    };
    std::vector<fs::path> made;
    for (std::size_t part = 0; part < tasks.size(); ++part) {
        made.push_back(file_of(static_cast<std::int64_t>(part)));
        if (fs::exists(fs::symlink_status(made.back())))
            throw Error(made.back().string() + " is there already; merge it and move it away, then submit again");
    }
    try {
        write_stores(store, tasks, file_of);
    } catch (const std::exception&) {
        for (const fs::path& file : made) fs::remove(file);
        throw;
    }
    const std::string files =
        made.size() == 1 ? made[0].string() : fmt::format("{}-{{1..{}}}.db", experiment.name, made.size());
    out << fmt::format(
        "{}: {} in {}\n"
        "run them anywhere:  parallel --jobs 1 --sshlogin HOST,HOST --trc {{}} marginalia resume --no-new --store {{}} "
        "::: {}\n"
        "bring them home:    marginalia merge {} {}\n",
        experiment.name, count_text(jobs.size(), "trial"), count_text(made.size(), "store"), files,
        store.file().string(), files);
}

}  // namespace

int submit_verb(const RunOptions& options, const SubmitTo& to, std::ostream& out) {
    const PluginCatalogue plugins = fetch_catalogue(experiment_plugin_folders(options));
    const Experiment whole = read_experiment(options.file, options.overrides, plugins);
    bring_up_to_date(options.store);
    require_start_experiments(whole, options.store);
    const Experiment& experiment = next_stage(whole, options.store);
    refuse_comparisons(experiment);
    if (to.dry) {
        out << job_script(experiment.slurm, experiment.name, "JOB/log", task_command(options, JobFolder("JOB")));
        return exit_ok;
    }
    const auto progress = make_progress(options.quiet);
    const nlohmann::json record =
        with_code(surroundings_of(fs::absolute(options.file)), experiment, plugins, *progress);
    store::Store store = open_store(options.store);
    const WorkList work =
        enqueue(store, experiment, plugins, provenance_of(record, experiment, plugins, {}, options.command_line),
                options, *progress);
    if (work.jobs.empty()) {
        out << experiment.name << ": nothing to submit; " << work.done << " done, " << work.running.size()
            << " running, " << work.submitted << " submitted before\n";
        return work.left_failed.empty() ? exit_ok : exit_trial_failed;
    }
    const std::vector<Job> jobs(work.jobs.begin(), work.jobs.end());
    if (to.parts > 0) write_parts(store, experiment, jobs, to.parts, out);
    else submit(store, experiment, jobs, options, out);
    if (&experiment != &whole)
        out << "this is the first stage of " << whole.name << "; submit the file again once it is merged\n";
    return exit_ok;
}

}  // namespace marginalia
