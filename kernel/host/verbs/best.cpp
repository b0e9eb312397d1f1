// `best` and `table`: which setting won, over seeds.
#include <fmt/format.h>
#include <marginalia/error.h>

#include <algorithm>
#include <iostream>
#include <set>

#include "kernel/host/results/metrics.h"
#include "kernel/host/results/text.h"
#include "kernel/host/verbs/exit_codes.h"
#include "kernel/host/verbs/lookup.h"
#include "kernel/host/verbs/print_paper_table.h"
#include "kernel/host/verbs/verbs.h"
#include "kernel/spec/nearest.h"
#include "store/error.h"

namespace marginalia {
namespace {

using store::StoreError;

// Throws unless some trial has the metric.
void require_metric(const std::string& metric, const std::vector<std::string>& names) {
    if (std::find(names.begin(), names.end(), metric) != names.end()) return;
    throw StoreError(StoreError::Kind::no_match,
                     fmt::format("no trial has a metric '{}'{}", metric, suggestion(metric, names, "metrics")));
}

std::string trial_list(const std::vector<store::TrialId>& trials) {
    std::string text;
    for (const store::TrialId trial : trials) text += fmt::format("{}{}", text.empty() ? "" : ",", trial);
    return text;
}

// Trials that share their values of the row and the column keys.
using Bucket = std::map<std::string, std::vector<double>>;  // metric -> values

std::string value_of(const TrialResult& result, const std::string& key) {
    return key == "seed" ? std::to_string(result.trial.seed) : config_value(result.config, key);
}

std::vector<std::string> values_of(const TrialResult& result, const std::vector<std::string>& keys) {
    std::vector<std::string> values;
    for (const std::string& key : keys) values.push_back(value_of(result, key));
    return values;
}

Cell estimate_cell(const std::optional<Estimate>& mean) {
    if (!mean) return {};
    return {estimate_text(*mean, mean->standard_error),
            {mean->mean, mean->standard_error ? nlohmann::json(*mean->standard_error) : nlohmann::json()}};
}

// One row per distinct combination of the row keys, in order of first trial; one column per combination of the column
// keys and metric.
struct Pivot {
    std::vector<std::vector<std::string>> rows, columns;
    std::map<std::pair<std::size_t, std::size_t>, Bucket> cells;
    std::map<std::pair<std::size_t, std::size_t>, std::set<std::string>> configs;
};

// The place of each combination in a list of them.
using Places = std::map<std::vector<std::string>, std::size_t>;

std::size_t place_of(std::vector<std::vector<std::string>>& list, Places& places, std::vector<std::string> values) {
    const auto [found, is_new] = places.try_emplace(values, list.size());
    if (is_new) list.push_back(std::move(values));
    return found->second;
}

Pivot pivot(const ExperimentResults& results, const std::vector<std::string>& rows,
            const std::vector<std::string>& columns) {
    Pivot made;
    Places row_places, column_places;
    for (const TrialResult& result : results.trials) {
        if (result.trial.status != store::Status::done) continue;
        const std::pair place(place_of(made.rows, row_places, values_of(result, rows)),
                              place_of(made.columns, column_places, values_of(result, columns)));
        for (const auto& [metric, value] : result.finals) made.cells[place][metric].push_back(value);
        made.configs[place].insert(result.trial.config_hash);
    }
    return made;
}

// A mean over different settings is rarely meant: say which keys it runs over.
void warn_of_mixtures(const Pivot& made, const ExperimentResults& results, const std::vector<std::string>& used) {
    const bool mixed =
        std::any_of(made.configs.begin(), made.configs.end(), [](const auto& cell) { return cell.second.size() > 1; });
    if (!mixed) return;
    std::vector<std::string> others;
    for (const std::string& key : results.differing)
        if (std::find(used.begin(), used.end(), key) == used.end()) others.push_back(key);
    std::cerr << fmt::format("note: cells average over different values of {}; add them to --rows or --columns\n",
                             listed(others));
}

std::vector<std::string> default_metrics(const ExperimentResults& results) {
    std::vector<std::string> chosen;
    for (const std::string& name : main_metrics())
        if (std::find(results.final_names.begin(), results.final_names.end(), name) != results.final_names.end())
            chosen.push_back(name);
    return chosen.empty() ? results.final_names : chosen;
}

std::string joined(const std::vector<std::string>& keys, const std::vector<std::string>& values) {
    std::string text;
    for (std::size_t i = 0; i < keys.size(); ++i)
        text += fmt::format("{}{}={}", i > 0 ? " " : "", short_key(keys[i], keys), values[i]);
    return text;
}

}  // namespace

int best_verb(const Common& common, const BestOptions& options, std::ostream& out) {
    store::Store store = store::Store::open_to_read(common.store);
    store::Ranking ranking;
    ranking.metric = options.metric;
    ranking.highest = options.highest || (!options.lowest && metric_info(options.metric).goal == Goal::high);
    if (!options.experiment.empty()) ranking.experiment = find_experiment(store, options.experiment);
    ranking.limit = options.limit > 0 ? options.limit : -1;
    ranking.min_seeds = options.min_seeds;
    const std::vector<store::RankedConfig> best = store::best_configs(store, ranking);
    if (best.empty()) {
        require_metric(options.metric, store::metric_names(store));
        throw StoreError(StoreError::Kind::no_match,
                         fmt::format("no configuration has {} that are done with a finite '{}'",
                                     count_text(static_cast<std::size_t>(options.min_seeds), "seed"), options.metric));
    }
    std::map<std::string, std::vector<FlatConfig>> configs;
    for (const store::RankedConfig& config : best) configs[config.experiment].push_back(flatten_text(config.config));
    std::map<std::string, std::vector<std::string>> keys;
    for (const auto& [experiment, list] : configs) {
        std::vector<const FlatConfig*> pointers;
        for (const FlatConfig& config : list) pointers.push_back(&config);
        keys[experiment] = differing_keys(pointers);
    }
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
        for (const std::string& key : keys[config.experiment])
            settings += fmt::format("{}{}={}", settings.empty() ? "" : " ", short_key(key, keys[config.experiment]),
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

int table_verb(const Common& common, const TableOptions& options, std::ostream& out) {
    store::Store store = store::Store::open_to_read(common.store);
    const std::string experiment = find_experiment(store, options.experiment);
    if (options.rows.empty() && options.columns.empty() && options.metrics.empty()) {
        const store::Sweep newest = store::newest_sweep(store, experiment);
        if (const auto paper = paper_table_of(newest.toml, newest.file)) {
            print_paper_table(store, *paper, newest, common.format, out);
            return exit_ok;
        }
    }
    // Metrics that are asked for are those that `best` ranks.
    const ExperimentResults results = load_results(store, experiment, 0, !options.metrics.empty());
    const std::vector<std::string> keys = all_keys(results);
    std::vector<std::string> rows, columns;
    for (const std::string& key : options.columns) columns.push_back(find_key(key, keys));
    for (const std::string& key : options.rows) rows.push_back(find_key(key, keys));
    if (options.rows.empty())
        for (const std::string& key : results.differing)
            if (std::find(columns.begin(), columns.end(), key) == columns.end()) rows.push_back(key);
    std::vector<std::string> metrics = options.metrics.empty() ? default_metrics(results) : options.metrics;
    if (options.metrics.empty() && !columns.empty() && metrics.size() > 1) metrics.resize(1);
    std::vector<store::TrialId> ids;
    for (const TrialResult& result : results.trials) ids.push_back(result.trial.id);
    const std::vector<std::string> names = store::metric_names(store, ids);
    for (const std::string& metric : metrics) require_metric(metric, names);

    const Pivot made = pivot(results, rows, columns);
    if (made.rows.empty())
        throw StoreError(StoreError::Kind::no_match, fmt::format("no trial of '{}' is done yet", results.name));
    std::vector<std::string> used = rows;
    used.insert(used.end(), columns.begin(), columns.end());
    warn_of_mixtures(made, results, used);

    std::vector<Column> heads;
    for (const std::string& key : rows) heads.push_back({short_key(key, rows)});
    for (const std::vector<std::string>& values : made.columns)
        for (const std::string& metric : metrics) {
            const std::string setting = joined(columns, values);
            const std::string name = setting.empty() ? metric : metric + " " + setting;
            heads.push_back({name, true, metric_info(metric).unit, name + "_stderr"});
        }
    if (columns.empty()) heads.push_back({"n", true});
    Table table(heads);
    for (std::size_t r = 0; r < made.rows.size(); ++r) {
        std::vector<Cell> row(made.rows[r].begin(), made.rows[r].end());
        std::size_t most = 0;
        for (std::size_t c = 0; c < made.columns.size(); ++c)
            for (const std::string& metric : metrics) {
                std::optional<Estimate> mean;
                if (const auto cell = made.cells.find({r, c}); cell != made.cells.end())
                    if (const auto values = cell->second.find(metric); values != cell->second.end())
                        mean = estimate(values->second);
                most = std::max(most, mean ? mean->count : 0);
                row.push_back(estimate_cell(mean));
            }
        if (columns.empty()) row.push_back(Cell::integer(static_cast<std::int64_t>(most)));
        table.add_row(std::move(row));
    }
    table.print(out, common.format, screen());
    return exit_ok;
}

}  // namespace marginalia
