// `plan`: kernel/host/run/plan.cpp and plan_origin.cpp do it.
#include "kernel/host/verbs/run_options.h"
#include "kernel/host/verbs/verbs.h"

namespace marginalia {
namespace {

struct PlanOptions {
    RunOptions run;
    std::size_t limit = 20;
    bool origin = false;
};

int plan(const Common& common, const PlanOptions& options, std::ostream& out) {
    const RunOptions run = completed(common, options.run);
    return options.origin ? plan_origin_verb(run, common.format, out) : plan_verb(run, out, options.limit);
}

}  // namespace

void add_plan(CLI::App& app, CommandLine& line) {
    const auto [verb, options] = add_verb(app, line, "plan", "Say what `run` would do with each trial", plan);
    add_file(verb, options.run);
    add_what_again(verb, options.run);
    verb->add_option("-n,--limit", options.limit, "show so many trials; 0: all, 20 if left out")
        ->check(whole_number(0));
    CLI::Option* origin =
        verb->add_flag("--origin", options.origin, "say instead where each value comes from: file and line, override");
    add_format(verb, line, "of --origin: text, csv, json or markdown");
    verb->get_option("--format")->needs(origin);
}

}  // namespace marginalia
