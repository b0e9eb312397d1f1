// `run`: kernel/host/run/run.h does it.
#include "kernel/host/verbs/run_options.h"
#include "kernel/host/verbs/verbs.h"

namespace marginalia {

void add_run(CLI::App& app, CommandLine& line) {
    const auto [verb, options] =
        add_verb<RunOptions>(app, line, "run", "Do what is missing of an experiment file",
                             [](const Common& common, const RunOptions& options, std::ostream& out) {
                                 return run_verb(completed(common, options), out);
                             });
    add_file(verb, options);
    add_what_again(verb, options);
    add_quiet(verb, options);
}

}  // namespace marginalia
