// `best`: which setting won, over seeds.
#include <fmt/format.h>

#include <algorithm>
#include <iostream>
#include <map>

#include "kernel/host/results/pivot.h"
#include "kernel/host/results/targets.h"
#include "kernel/host/results/text.h"
#include "kernel/host/results/where.h"
#include "kernel/host/run/exit_codes.h"
#include "kernel/host/verbs/lookup.h"
#include "kernel/host/verbs/settings_columns.h"
#include "kernel/host/verbs/stores.h"
#include "kernel/host/verbs/verbs.h"
#include "kernel/spec/metrics.h"
#include "store/error.h"

namespace marginalia {
namespace {

using store::StoreError;

constexpr const char* footer_of_best =
    R"(Figures of different energies or data sets are not comparable: configurations are ranked among those of the same one.

Examples:
  marginalia best kl -e ising-10x10
  marginalia best kl --where 'energy.coupling = 0.44' -n 3)";

struct BestOptions {
    std::string metric;
    std::string experiment;  // empty: all
    bool highest = false;    // neither: as the metric's name says, else the lowest is best
    bool lowest = false;
    std::int64_t min_seeds = 1;
    std::int64_t limit = -1;  // of each target; -1: fewer where there are several targets; 0: all
    std::string where;        // empty: all trials
};

// A configuration of one of the stores.
struct Ranked {
    OpenStore* store;
    store::RankedConfig config;
    FlatConfig flat = {};  // of its config, where it is shown
};

std::string trial_list(const std::vector<store::TrialId>& trials) {
    std::string text;
    for (const store::TrialId trial : trials) text += fmt::format("{}{}", text.empty() ? "" : ",", trial);
    return text;
}

bool highest_is_best(const BestOptions& options) {
    return options.highest || (!options.lowest && metric_info(options.metric).goal == Goal::high);
}

// All of them, best first, whatever they model.
std::vector<Ranked> rank(std::vector<OpenStore>& stores, const BestOptions& options) {
    store::Ranking ranking;
    ranking.metric = options.metric;
    ranking.highest = highest_is_best(options);
    ranking.limit = -1;
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
    return ranked;
}

// What is ranked, target by target in the order of their first trials.
std::vector<Target> targets_among(const std::vector<Ranked>& ranked) {
    std::map<std::string, FlatConfig> modelled;  // by its text
    std::vector<const FlatConfig*> configs;
    for (const Ranked& each : ranked) {
        const auto [found, is_new] = modelled.try_emplace(modelled_in(each.config.config));
        if (is_new) found->second = flatten_text(found->first);
        configs.push_back(&found->second);
    }
    const Ranked& first = ranked.front();
    std::vector<Target> targets = targets_of(configs, key_order(first.store->store, first.config.experiment));
    const auto first_trial = [&](const Target& target) {
        store::TrialId least = ranked[target.groups.front()].config.trials.front();
        for (const std::size_t i : target.groups) least = std::min(least, std::ranges::min(ranked[i].config.trials));
        return least;
    };
    std::ranges::stable_sort(targets, {}, first_trial);
    return targets;
}

// Cuts each to so many configurations as are to be shown.
void limit(std::vector<Target>& targets, std::int64_t limit) {
    constexpr std::size_t alone = 10, beside_few = 3, few = 5;
    const std::size_t usual = targets.size() == 1 ? alone : targets.size() <= few ? beside_few : 1;
    for (Target& target : targets)
        if (limit != 0)
            target.groups.resize(std::min(target.groups.size(), limit > 0 ? static_cast<std::size_t>(limit) : usual));
}

[[noreturn]] void none_ranked(std::vector<OpenStore>& stores, const BestOptions& options) {
    require_metric(options.metric, metric_names_in(stores));
    throw StoreError(StoreError::Kind::no_match,
                     fmt::format("no configuration has a finite '{}' in {} or more that are done{}", options.metric,
                                 count_text(static_cast<std::size_t>(options.min_seeds), "seed"),
                                 options.where.empty() ? "" : " and meet the condition"));
}

SettingsColumns settings_of(std::vector<OpenStore>& stores, const std::vector<Ranked>& ranked,
                            const std::vector<Target>& targets, Format format) {
    ConfigsOf configs;
    for (const Target& target : targets)
        for (const std::size_t i : target.groups) configs[ranked[i].config.experiment].push_back(&ranked[i].flat);
    return {stores, configs, format};
}

// The target stands first where people read of several, and last for programs.
enum class Targets { unsaid, first, last };

std::vector<Column> columns_of(const std::string& metric, const SettingsColumns& settings, Targets targets) {
    const Column target{.name = "target", .role = Role::key};
    std::vector<Column> columns;
    if (targets == Targets::first) columns.push_back(target);
    columns.push_back({.name = "experiment", .role = Role::key});
    if (settings.are_apart()) columns.back() = {.name = "experiment", .drop = 1};
    settings.add_heads(columns);
    columns.insert(columns.end(), {{metric, true, metric_info(metric).unit, metric + "_stderr"},
                                   {"n", true},
                                   {.name = "trials", .role = Role::whole},
                                   {.name = "config", .drop = 2}});
    if (targets == Targets::last) columns.push_back(target);
    return columns;
}

std::vector<Cell> row_of(const Ranked& ranked, const SettingsColumns& settings) {
    const store::RankedConfig& config = ranked.config;
    std::vector<Cell> row = {config.experiment};
    settings.add_cells(row, config.experiment, ranked.flat, settings.in_full(config.experiment, ranked.flat));
    Estimate mean;
    mean.count = static_cast<std::size_t>(config.n), mean.mean = config.mean,
    mean.standard_error = config.standard_error;
    row.insert(row.end(), {estimate_cell(mean), Cell::integer(config.n), trial_list(config.trials),
                           config.config_hash.substr(0, 8)});
    return row;
}

int best_verb(const Common& common, const BestOptions& options, std::ostream& out) {
    std::vector<OpenStore> stores = open_stores(common);
    std::vector<Ranked> ranked = rank(stores, options);
    if (ranked.empty()) none_ranked(stores, options);
    std::vector<Target> targets = targets_among(ranked);
    limit(targets, options.limit);
    for (const Target& target : targets)
        for (const std::size_t i : target.groups) ranked[i].flat = flatten_text(ranked[i].config.config);
    const SettingsColumns settings = settings_of(stores, ranked, targets, common.format);
    const bool for_programs = common.format == Format::csv || common.format == Format::json;
    const Targets where = for_programs ? Targets::last : targets.size() > 1 ? Targets::first : Targets::unsaid;
    StoresTable table(stores, columns_of(options.metric, settings, where));
    for (const Target& target : targets)
        for (const std::size_t i : target.groups) {
            std::vector<Cell> row = row_of(ranked[i], settings);
            const bool again = !for_programs && i != target.groups.front();
            if (where != Targets::unsaid)
                row.insert(where == Targets::first ? row.begin() : row.end(), again ? "" : target.label);
            table.add_row(*ranked[i].store, std::move(row));
        }
    table.print(out, common.format, screen());
    if (targets.size() > 1)
        std::cerr << fmt::format("ranked within each of {} energies or data sets; -n N shows more\n", targets.size());
    return exit_ok;
}

}  // namespace

void add_best(CLI::App& app, CommandLine& line) {
    const auto [verb, options] =
        add_store_verb(app, line, "best", "Configurations ranked by a metric's mean over seeds", best_verb);
    verb->footer(footer_of_best);
    verb->add_option("metric", options.metric, "final metric, or the last value of a recorded one")->required();
    add_experiment(verb, options.experiment, "only this experiment's");
    CLI::Option* highest =
        verb->add_flag("--max", options.highest, "the highest is best (known for spearman and pearson)");
    verb->add_flag("--min", options.lowest, "the lowest is best, whatever the metric")->excludes(highest);
    verb->add_option("--min-seeds", options.min_seeds, "only configurations with at least so many seeds done")
        ->check(whole_number(1));
    add_where(verb, options.where);
    verb->add_option("-n,--limit", options.limit, "so many of each energy or data set; 0: all")->check(whole_number(0));
    line.take_stores.insert(verb);
    add_format(verb, line, "text, csv, json, markdown or latex");
}

}  // namespace marginalia
