// `submit`, and what it has the tasks of a job do: kernel/host/slurm/job.h.
#include "kernel/host/slurm/job.h"
#include "kernel/host/verbs/run_options.h"
#include "kernel/host/verbs/verbs.h"

namespace marginalia {
namespace {

struct SubmitOptions : RunOptions {
    bool slurm = false, dry = false;
};

struct TaskOptions {
    std::string folder;
    std::int64_t first = 0;  // number of the array's first task
};

}  // namespace

void add_submit(CLI::App& app, CommandLine& line) {
    const auto [verb, options] =
        add_verb<SubmitOptions>(app, line, "submit", "Hand what is missing of an experiment file to a cluster",
                                [](const Common& common, const SubmitOptions& options, std::ostream& out) {
                                    return submit_verb(completed(common, options), options.dry, out);
                                });
    add_file(verb, options);
    verb->add_flag("--slurm", options.slurm, "as an array job of Slurm, the only engine so far; [slurm] says how");
    verb->add_flag("--dry-run", options.dry, "print the job's script and do nothing");
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
