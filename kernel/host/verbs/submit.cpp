// `submit`, and what it has the tasks of a job do: kernel/host/slurm/job.h.
#include "kernel/host/slurm/job.h"
#include "kernel/host/verbs/run_options.h"
#include "kernel/host/verbs/verbs.h"

namespace marginalia {
namespace {

struct SubmitOptions : RunOptions {
    bool slurm = false;
    SubmitTo to;
};

struct TaskOptions {
    std::string folder;
    std::int64_t first = 0;  // number of the array's first task
};

}  // namespace

void add_submit(CLI::App& app, CommandLine& line) {
    const auto [verb, options] =
        add_verb<SubmitOptions>(app, line, "submit", "Hand what is missing of an experiment file to other machines",
                                [](const Common& common, const SubmitOptions& options, std::ostream& out) {
                                    return submit_verb(completed(common, options), options.to, out);
                                });
    add_file(verb, options);
    CLI::Option* slurm =
        verb->add_flag("--slurm", options.slurm, "as an array job of Slurm, unless --parts is given; [slurm] says how");
    CLI::Option* dry = verb->add_flag("--dry-run", options.to.dry, "print the job's script and do nothing");
    verb->add_option("--parts", options.to.parts,
                     "as so many stores, EXPERIMENT-1.db and on, each for `resume --no-new` on any machine")
        ->check(whole_number(1, 10'000))
        ->excludes(slurm)
        ->excludes(dry);
    add_what_again(verb, options);
}

void add_slurm_task(CLI::App& app, CommandLine& line) {
    const auto [verb, options] = add_verb<TaskOptions>(
        app, line, "slurm-task", "Do a task of a job that `submit` has made",
        [](const Common& common, const TaskOptions& options, std::ostream& out) {
            return task_verb(JobFolder(options.folder), options.first, completed(common, {}), out);
        });
    verb->add_option("folder", options.folder, "of the job")->required();
    verb->add_option("first", options.first, "number of the array's first task")->check(whole_number(0));
}

}  // namespace marginalia
