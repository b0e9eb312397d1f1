// `resume`: kernel/host/run/run.h does it.
#include "kernel/host/verbs/run_options.h"
#include "kernel/host/verbs/verbs.h"

namespace marginalia {

void add_resume(CLI::App& app, CommandLine& line) {
    const auto [verb, options] =
        add_verb<RunOptions>(app, line, "resume", "Go on with an experiment in the store",
                             [](const Common& common, const RunOptions& options, std::ostream& out) {
                                 return resume_verb(completed(common, options), out);
                             });
    add_experiment(verb, options.experiment);
    verb->add_flag("--no-new", options.no_new,
                   "only trials that the store has, and none that the file asks for besides");
    add_what_again(verb, options);
    add_quiet(verb, options);
}

}  // namespace marginalia
