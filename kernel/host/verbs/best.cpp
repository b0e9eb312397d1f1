// `best`: which setting won, over seeds.
#include <fmt/format.h>

#include <map>

#include "kernel/host/results/pivot.h"
#include "kernel/host/results/text.h"
#include "kernel/host/results/where.h"
#include "kernel/host/run/exit_codes.h"
#include "kernel/host/verbs/lookup.h"
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

std::string trial_list(const std::vector<store::TrialId>& trials) {
    std::string text;
    for (const store::TrialId trial : trials) text += fmt::format("{}{}", text.empty() ? "" : ",", trial);
    return text;
}

// What tells the configurations of each experiment apart.
std::map<std::string, std::vector<std::string>> keys_by_experiment(const std::vector<store::RankedConfig>& best) {
    std::map<std::string, std::vector<FlatConfig>> configs;
    for (const store::RankedConfig& config : best) configs[config.experiment].push_back(flatten_text(config.config));
    std::map<std::string, std::vector<std::string>> keys;
    for (const auto& [experiment, list] : configs) {
        std::vector<const FlatConfig*> pointers;
        for (const FlatConfig& config : list) pointers.push_back(&config);
        keys[experiment] = differing_keys(pointers);
    }
    return keys;
}

int best_verb(const Common& common, const BestOptions& options, std::ostream& out) {
    store::Store store = store::Store::open_to_read(common.store);
    store::Ranking ranking;
    ranking.metric = options.metric;
    ranking.highest = options.highest || (!options.lowest && metric_info(options.metric).goal == Goal::high);
    if (!options.experiment.empty()) ranking.experiment = find_experiment(store, options.experiment);
    ranking.limit = options.limit > 0 ? options.limit : -1;
    ranking.min_seeds = options.min_seeds;
    ranking.only = chosen_by(store, options.where);
    const std::vector<store::RankedConfig> best = store::best_configs(store, ranking);
    if (best.empty()) {
        require_metric(options.metric, store::metric_names(store));
        throw StoreError(StoreError::Kind::no_match,
                         fmt::format("no configuration has {} that are done with a finite '{}'{}",
                                     count_text(static_cast<std::size_t>(options.min_seeds), "seed"), options.metric,
                                     options.where.empty() ? "" : " and meet the condition"));
    }
    const auto keys = keys_by_experiment(best);
    const std::string unit = metric_info(options.metric).unit;
    Table table({{"experiment"},
                 {"settings"},
                 {options.metric, true, unit, options.metric + "_stderr"},
                 {"n", true},
                 {"trials"},
                 {"config"}});
    for (const store::RankedConfig& config : best) {
        const FlatConfig flat = flatten_text(config.config);
        std::string settings;
        for (const std::string& key : keys.at(config.experiment))
            settings += fmt::format("{}{}={}", settings.empty() ? "" : " ", short_key(key, keys.at(config.experiment)),
                                    config_value(flat, key));
        Estimate mean;
        mean.count = static_cast<std::size_t>(config.n), mean.mean = config.mean,
        mean.standard_error = config.standard_error;
        table.add_row({config.experiment, settings, estimate_cell(mean), Cell::integer(config.n),
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
    add_format(verb, line, "text, csv, json, markdown or latex");
}

}  // namespace marginalia
