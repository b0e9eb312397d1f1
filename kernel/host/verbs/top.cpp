// `top`: kernel/host/top/ does it.
#include "kernel/host/top/top.h"

#include "kernel/host/verbs/lookup.h"
#include "kernel/host/verbs/verbs.h"

namespace marginalia {
namespace {

constexpr const char* footer_of_top =
    R"(A table of the trials while they run, from any terminal on the same store: status, progress, rate, time left, the best
value of a metric, its curve. Keys sort, filter, show one trial's curve and log, cancel, pause or retry it; ? lists them.
It writes nothing unless asked to, and works on a store that nobody writes, too. Without a terminal: marginalia list.

Examples:
  marginalia top
  marginalia top ising-6x6 --metric loss)";

void check(const std::filesystem::path& file, const top::Options& options) {
    store::Store store = store::Store::open_to_read(file);
    if (!options.experiment.empty()) find_experiment(store, options.experiment);
    if (!options.metric.empty()) require_metric(options.metric, store::metric_names(store));
}

int top_verb(const Common& common, const top::Options& options, std::ostream&) {
    check(common.store, options);
    return top::watch(common.store, options);
}

}  // namespace

void add_top(CLI::App& app, CommandLine& line) {
    const auto [verb, options] = add_store_verb(app, line, "top", "Watch trials while they run", top_verb);
    add_experiment(verb, options.experiment, "only this experiment's");
    verb->add_option("-m,--metric", options.metric, "the metric to show; the most telling one if left out");
    verb->add_option("--every", options.every, "seconds between looks at the store; 1 if left out")
        ->check(whole_number(1, 3600));
    verb->footer(footer_of_top);
}

}  // namespace marginalia
