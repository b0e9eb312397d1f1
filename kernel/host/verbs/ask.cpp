// `ask`: what the sweep of an experiment file searches, and what is known of it, for optimisers.
#include <filesystem>
#include <map>
#include <vector>

#include "kernel/host/run/catalogue.h"
#include "kernel/host/run/trials_result.h"
#include "kernel/host/verbs/run_options.h"
#include "kernel/host/verbs/verbs.h"
#include "kernel/spec/experiment.h"
#include "kernel/spec/metrics.h"
#include "kernel/spec/space_point.h"
#include "store/place.h"
#include "store/queries.h"

namespace marginalia {
namespace {

constexpr const char* footer_of_ask =
    R"(The first line is the space: the keys of [sweep] with their ranges or choices, the metric and its goal. A line for each
configuration that the store has follows, with its parameters and its figures: where an optimiser begins.
`marginalia tell` runs the trials that it chooses. docs/optimisers.md)";

struct AskOptions {
    RunOptions run;
    std::string metric;  // empty: the one that tells most
};

std::string metric_of(const AskOptions& options, const Experiment& experiment) {
    if (!options.metric.empty()) return options.metric;
    if (experiment.table && !experiment.table->columns.empty()) return experiment.table->columns.front();
    return experiment.trials.front().config.contains("dataset") ? "nll_bits" : "kl";
}

const char* goal_of(const std::string& metric) {
    switch (metric_info(metric).goal) {
        case Goal::low: return "minimize";
        case Goal::high: return "maximize";
        case Goal::zero: return "zero";
        case Goal::none: return "none";
    }
    return "none";
}

void print_line(const nlohmann::json& line, std::ostream& out) {
    out << line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) << '\n';
}

void print_known(store::Store& store, const Experiment& experiment, std::ostream& out) {
    std::vector<std::vector<store::Trial>> configs;
    std::map<std::string, std::size_t> places;  // by hash
    for (store::Trial& trial : store::list_trials(store, {.experiment = experiment.name})) {
        const auto [place, is_new] = places.try_emplace(trial.config_hash, configs.size());
        if (is_new) configs.emplace_back();
        configs[place->second].push_back(std::move(trial));
    }
    for (const std::vector<store::Trial>& trials : configs) {
        nlohmann::json line = trials_result(store, trials);
        line["parameters"] = point_of(nlohmann::json::parse(trials.front().config), experiment.space);
        print_line(line, out);
    }
}

int ask_verb(const Common& common, const AskOptions& options, std::ostream& out) {
    const RunOptions run = completed(common, options.run);
    const PluginCatalogue plugins = fetch_catalogue(experiment_plugin_folders(run));
    const Experiment experiment = read_experiment(run.file, run.overrides, plugins);
    nlohmann::json space = experiment.space;
    space["experiment"] = experiment.name;
    space["metric"] = metric_of(options, experiment);
    space["goal"] = goal_of(space["metric"]);
    print_line(space, out);
    store::check_name(run.store);
    if (!std::filesystem::exists(run.store)) return exit_ok;
    store::Store store = store::Store::open_to_read(run.store);
    print_known(store, experiment, out);
    return exit_ok;
}

}  // namespace

void add_ask(CLI::App& app, CommandLine& line) {
    const auto [verb, options] =
        add_store_verb(app, line, "ask", "What a sweep searches and what is known of it, as lines of JSON", ask_verb);
    add_file(verb, options.run);
    verb->add_option("-m,--metric", options.metric,
                     "final metric that counts; the first of [table], kl or nll_bits if left out");
    verb->footer(footer_of_ask);
}

}  // namespace marginalia
