// `plan`: kernel/host/run/plan.cpp does it.
#include "kernel/host/verbs/run_options.h"
#include "kernel/host/verbs/verbs.h"

namespace marginalia {

void add_plan(CLI::App& app, CommandLine& line) {
    const auto [verb, options] =
        add_verb<RunOptions>(app, line, "plan", "Say what `run` would do with each trial",
                             [](const Common& common, const RunOptions& options, std::ostream& out) {
                                 return plan_verb(completed(common, options), out);
                             });
    add_file(verb, options);
    add_what_again(verb, options);
}

}  // namespace marginalia
