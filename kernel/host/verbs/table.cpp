// `table`: means over seeds by config keys, or the table that the experiment's file asks for.
#include <fmt/format.h>

#include <algorithm>
#include <iostream>
#include <set>

#include "kernel/host/results/pivot.h"
#include "kernel/host/results/text.h"
#include "kernel/host/results/where.h"
#include "kernel/host/run/exit_codes.h"
#include "kernel/host/verbs/lookup.h"
#include "kernel/host/verbs/print_paper_table.h"
#include "kernel/host/verbs/stores.h"
#include "kernel/host/verbs/verbs.h"
#include "kernel/spec/metrics.h"
#include "kernel/spec/nearest.h"
#include "store/error.h"

namespace marginalia {
namespace {

using store::StoreError;

constexpr const char* footer_of_table =
    R"(An experiment file with a [table] says itself how its results are printed: without --rows, --columns and
--metric that table is printed, ours and the published figures of each method, by target where the file names
targets, with their sources and machines (docs/experiment-files.md).

Examples:
  marginalia table ising-10x10 --rows learning_rate --columns channels --metric kl
  marginalia table ising-10x10 --format latex)";

struct TableOptions {
    std::string experiment;
    std::vector<std::string> rows;     // config keys; empty: the keys that differ, less `columns`
    std::vector<std::string> columns;  // config keys; empty: one column a metric
    std::vector<std::string> metrics;  // empty: the most telling ones
    std::string where;                 // empty: all trials
};

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

// The config keys of the rows and of the columns, whole.
std::pair<std::vector<std::string>, std::vector<std::string>> keys_of(const TableOptions& options,
                                                                      const ExperimentResults& results) {
    const std::vector<std::string> keys = all_keys(results);
    std::vector<std::string> rows, columns;
    for (const std::string& key : options.columns) columns.push_back(find_key(key, keys));
    for (const std::string& key : options.rows) rows.push_back(find_key(key, keys));
    if (options.rows.empty())
        for (const std::string& key : results.differing)
            if (std::find(columns.begin(), columns.end(), key) == columns.end()) rows.push_back(key);
    return {rows, columns};
}

// What the table is made of.
struct Wanted {
    std::vector<std::string> rows, columns;  // config keys, whole
    std::vector<std::string> metrics;
    bool some_may_go = false;  // nobody has asked for these metrics: the last ones give way on a narrow screen
    TellingKeys values;        // as people read them

    std::vector<std::string> used() const {
        std::vector<std::string> keys = rows;
        keys.insert(keys.end(), columns.begin(), columns.end());
        return keys;
    }
};

// "channels=16"; programs get all digits.
std::string setting(const Wanted& wanted, const std::vector<std::string>& values, bool for_programs) {
    std::string text;
    for (std::size_t i = 0; i < values.size(); ++i)
        text += fmt::format("{}{}={}", i > 0 ? " " : "", short_key(wanted.columns[i], wanted.columns),
                            for_programs ? values[i] : wanted.values.shown(values[i]));
    return text;
}

std::vector<Column> heads_of(const Pivot& made, const Wanted& wanted, bool for_programs) {
    std::vector<Column> heads = setting_columns(wanted.rows);
    for (const std::vector<std::string>& values : made.columns)
        for (const std::string& metric : wanted.metrics) {
            const std::string name =
                wanted.columns.empty() ? metric : metric + " " + setting(wanted, values, for_programs);
            const int drop =
                wanted.some_may_go && metric != wanted.metrics.front() ? static_cast<int>(heads.size()) : 0;
            heads.push_back({name, true, metric_info(metric).unit, name + "_stderr", drop});
        }
    if (wanted.columns.empty()) heads.push_back({"n", true});
    return heads;
}

Table table_of(const Pivot& made, const Wanted& wanted, bool for_programs) {
    Table table(heads_of(made, wanted, for_programs));
    for (std::size_t r = 0; r < made.rows.size(); ++r) {
        std::vector<Cell> row;
        for (const std::string& value : made.rows[r]) row.emplace_back(wanted.values.shown(value), value);
        std::size_t most = 0;
        for (std::size_t c = 0; c < made.columns.size(); ++c)
            for (const std::string& metric : wanted.metrics) {
                std::optional<Estimate> mean;
                if (const auto cell = made.cells.find({r, c}); cell != made.cells.end())
                    if (const auto values = cell->second.find(metric); values != cell->second.end())
                        mean = estimate(values->second);
                most = std::max(most, mean ? mean->count : 0);
                row.push_back(estimate_cell(mean));
            }
        if (wanted.columns.empty()) row.push_back(Cell::integer(static_cast<std::int64_t>(most)));
        table.add_row(std::move(row));
    }
    return table;
}

Wanted wanted_of(const TableOptions& options, const ExperimentResults& results) {
    Wanted wanted;
    std::tie(wanted.rows, wanted.columns) = keys_of(options, results);
    wanted.some_may_go = options.metrics.empty();
    wanted.metrics = wanted.some_may_go ? default_metrics(results) : options.metrics;
    if (wanted.some_may_go && !wanted.columns.empty() && wanted.metrics.size() > 1) wanted.metrics.resize(1);
    std::vector<const FlatConfig*> configs;
    for (const Group& group : results.groups) configs.push_back(group.config.get());
    wanted.values = TellingKeys(wanted.used(), configs);
    return wanted;
}

// The experiment's trials in all stores, the metrics that they have, and how many were in more than one.
struct Gathered {
    ExperimentResults results;
    std::set<std::string> metrics;
    std::size_t repeated = 0;
};

Gathered gather_from(std::vector<OpenStore>& stores, const std::string& experiment, const TableOptions& options) {
    Gathered made;
    std::vector<TrialResult> trials;
    std::set<std::pair<std::string, std::int64_t>> known;  // config and seed
    for (OpenStore& each : stores) {
        const store::TrialFilter filter{.experiment = experiment, .only = chosen_by(each.store, options.where)};
        // Metrics that are asked for are those that `best` ranks.
        ExperimentResults results = load_results(each.store, filter, !options.metrics.empty());
        std::vector<store::TrialId> ids;
        for (TrialResult& result : results.trials) {
            ids.push_back(result.trial.id);
            if (known.emplace(result.trial.config_hash, result.trial.seed).second) trials.push_back(std::move(result));
            else ++made.repeated;
        }
        if (ids.empty()) continue;
        for (std::string& name : store::metric_names(each.store, ids)) made.metrics.insert(std::move(name));
    }
    made.results = gather(std::move(trials), experiment, key_order(stores.front().store, experiment));
    return made;
}

// The one named, which one of the stores has; that of the first store's newest run if `name` is empty.
std::string experiment_in(std::vector<OpenStore>& stores, const std::string& name) {
    for (OpenStore& each : stores)
        if (!name.empty() && contains(store::experiment_names(each.store), name)) return name;
    return find_experiment(stores.front().store, name);
}

// False where the experiment's file says nothing of a table.
bool print_as_in_file(const Common& common, store::Store& store, const std::string& experiment,
                      const TableOptions& options, std::ostream& out) {
    const store::Sweep newest = store::newest_sweep(store, experiment);
    const auto paper = paper_table_of(newest.toml, newest.file);
    if (!paper) return false;
    print_paper_table(store, *paper, newest, chosen_by(store, options.where), common.format, out);
    return true;
}

int table_verb(const Common& common, const TableOptions& options, std::ostream& out) {
    std::vector<OpenStore> stores = open_stores(common);
    const std::string experiment = experiment_in(stores, options.experiment);
    const bool as_in_file = options.rows.empty() && options.columns.empty() && options.metrics.empty();
    if (as_in_file && stores.size() == 1 && print_as_in_file(common, stores.front().store, experiment, options, out))
        return exit_ok;
    const Gathered gathered = gather_from(stores, experiment, options);
    const ExperimentResults& results = gathered.results;
    const Wanted wanted = wanted_of(options, results);
    for (const std::string& metric : wanted.metrics)
        require_metric(metric, {gathered.metrics.begin(), gathered.metrics.end()});
    const Pivot made = pivot(results, wanted.rows, wanted.columns);
    if (made.rows.empty())
        throw StoreError(StoreError::Kind::no_match,
                         fmt::format("no trial of '{}' {}", results.name,
                                     options.where.empty() ? "is done yet" : "that meets the condition is done"));
    warn_of_mixtures(made, results, wanted.used());
    if (gathered.repeated > 0)
        std::cerr << fmt::format("note: {} of one config and seed in several stores; the first store's counts\n",
                                 count_text(gathered.repeated, "trial"));
    const bool for_programs = common.format == Format::csv || common.format == Format::json;
    table_of(made, wanted, for_programs).print(out, common.format, screen());
    return exit_ok;
}

}  // namespace

void add_table(CLI::App& app, CommandLine& line) {
    const auto [verb, options] = add_store_verb(
        app, line, "table",
        "The experiment's [table] beside published figures, or means ± standard errors over seeds by config keys",
        table_verb);
    verb->footer(footer_of_table);
    add_experiment(verb, options.experiment);
    add_names(verb, "-r,--rows", options.rows, "config keys of the rows; those that differ if left out");
    add_names(verb, "-c,--columns", options.columns, "config keys of the columns");
    add_names(verb, "-m,--metric", options.metrics, "final metrics in the cells");
    add_where(verb, options.where);
    line.take_stores.insert(verb);
    add_format(verb, line, "text, markdown, latex, csv or json");
}

}  // namespace marginalia
