// `best`: which setting won, over seeds.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "kernel/host/results/pivot.h"
#include "kernel/host/results/text.h"
#include "kernel/host/results/where.h"
#include "kernel/host/run/exit_codes.h"
#include "kernel/host/verbs/lookup.h"
#include "kernel/host/verbs/stores.h"
#include "kernel/host/verbs/verbs.h"
#include "kernel/spec/metrics.h"
#include "store/error.h"

namespace marginalia {
namespace {

using store::StoreError;

struct BestOptions {
    std::string metric;
    std::string experiment;  // empty: all
    bool highest = false;    // neither: as the metric's name says, else the lowest is best
    bool lowest = false;
    std::int64_t min_seeds = 1;
    std::int64_t limit = 10;
    std::string where;  // empty: all trials
};

// A configuration of one of the stores.
struct Ranked {
    OpenStore* store;
    store::RankedConfig config;
};

std::string trial_list(const std::vector<store::TrialId>& trials) {
    std::string text;
    for (const store::TrialId trial : trials) text += fmt::format("{}{}", text.empty() ? "" : ",", trial);
    return text;
}

// What tells the configurations of each experiment apart.
std::map<std::string, std::vector<std::string>> keys_by_experiment(const std::vector<Ranked>& best) {
    std::map<std::string, std::vector<FlatConfig>> configs;
    for (const Ranked& each : best) configs[each.config.experiment].push_back(flatten_text(each.config.config));
    std::map<std::string, std::vector<std::string>> keys;
    for (const auto& [experiment, list] : configs) {
        std::vector<const FlatConfig*> pointers;
        for (const FlatConfig& config : list) pointers.push_back(&config);
        keys[experiment] = differing_keys(pointers, key_order(best.front().store->store, experiment));
    }
    return keys;
}

std::vector<Ranked> rank(std::vector<OpenStore>& stores, const BestOptions& options) {
    store::Ranking ranking;
    ranking.metric = options.metric;
    ranking.highest = options.highest || (!options.lowest && metric_info(options.metric).goal == Goal::high);
    ranking.limit = options.limit > 0 ? options.limit : -1;
    ranking.min_seeds = options.min_seeds;
    std::vector<Ranked> ranked;
    for (OpenStore& each : stores) {
        if (!options.experiment.empty()) ranking.experiment = find_experiment(each.store, options.experiment);
        ranking.only = chosen_by(each.store, options.where);
        for (store::RankedConfig& config : store::best_configs(each.store, ranking))
            ranked.push_back({&each, std::move(config)});
    }
    std::stable_sort(ranked.begin(), ranked.end(), [&](const Ranked& a, const Ranked& b) {
        return ranking.highest ? a.config.mean > b.config.mean : a.config.mean < b.config.mean;
    });
    if (ranking.limit > 0 && std::ssize(ranked) > ranking.limit) ranked.resize(static_cast<std::size_t>(ranking.limit));
    return ranked;
}

[[noreturn]] void none_ranked(std::vector<OpenStore>& stores, const BestOptions& options) {
    require_metric(options.metric, metric_names_in(stores));
    throw StoreError(StoreError::Kind::no_match,
                     fmt::format("no configuration has {} that are done with a finite '{}'{}",
                                 count_text(static_cast<std::size_t>(options.min_seeds), "seed"), options.metric,
                                 options.where.empty() ? "" : " and meet the condition"));
}

int best_verb(const Common& common, const BestOptions& options, std::ostream& out) {
    std::vector<OpenStore> stores = open_stores(common);
    const std::vector<Ranked> best = rank(stores, options);
    if (best.empty()) none_ranked(stores, options);
    const auto keys = keys_by_experiment(best);
    const std::string unit = metric_info(options.metric).unit;
    StoresTable table(stores, {{"experiment"},
                               {"settings"},
                               {options.metric, true, unit, options.metric + "_stderr"},
                               {"n", true},
                               {"trials"},
                               {"config"}});
    for (const auto& [store, config] : best) {
        const FlatConfig flat = flatten_text(config.config);
        std::string settings;
        for (const std::string& key : keys.at(config.experiment))
            settings += fmt::format("{}{}={}", settings.empty() ? "" : " ", short_key(key, keys.at(config.experiment)),
                                    config_value(flat, key));
        Estimate mean;
        mean.count = static_cast<std::size_t>(config.n), mean.mean = config.mean,
        mean.standard_error = config.standard_error;
        table.add_row(*store, {config.experiment, settings, estimate_cell(mean), Cell::integer(config.n),
                               trial_list(config.trials), config.config_hash.substr(0, 8)});
    }
    table.print(out, common.format, screen());
    return exit_ok;
}

}  // namespace

void add_best(CLI::App& app, CommandLine& line) {
    const auto [verb, options] =
        add_store_verb(app, line, "best", "Configurations ranked by a metric's mean over seeds", best_verb);
    verb->add_option("metric", options.metric, "final metric, or the last value of a recorded one")->required();
    verb->add_option("-e,--experiment", options.experiment, "only this experiment's");
    CLI::Option* highest =
        verb->add_flag("--max", options.highest, "the highest is best (known for spearman and pearson)");
    verb->add_flag("--min", options.lowest, "the lowest is best, whatever the metric")->excludes(highest);
    verb->add_option("--min-seeds", options.min_seeds, "only configurations with at least so many seeds done")
        ->check(whole_number(1));
    add_where(verb, options.where);
    verb->add_option("-n,--limit", options.limit, "so many lines; 0: all")->check(whole_number(0));
    line.take_stores.insert(verb);
    add_format(verb, line, "text, csv, json, markdown or latex");
}

}  // namespace marginalia
