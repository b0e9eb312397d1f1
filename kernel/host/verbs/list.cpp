// `list`: the trials, or the experiments, one a line.
#include <fmt/format.h>
#include <marginalia/error.h>

#include <iostream>
#include <set>

#include "kernel/host/results/text.h"
#include "kernel/host/results/where.h"
#include "kernel/host/run/exit_codes.h"
#include "kernel/host/verbs/lookup.h"
#include "kernel/host/verbs/settings_columns.h"
#include "kernel/host/verbs/stores.h"
#include "kernel/host/verbs/verbs.h"
#include "kernel/spec/metrics.h"
#include "kernel/spec/nearest.h"
#include "store/error.h"
#include "store/rungs.h"

namespace marginalia {
namespace {

struct ListOptions {
    std::string experiment;             // empty: all
    std::vector<std::string> statuses;  // empty: all
    std::vector<std::string> metrics;   // empty: the most telling ones
    std::string where;                  // empty: all
    std::int64_t limit = -1;            // -1: 50 for people, all for programs; 0: all
    bool experiments = false;           // one line an experiment instead
};

constexpr std::int64_t most_lines = 50;
constexpr std::size_t most_metrics = 2;

Cell age_cell(const std::optional<double>& then, double now) {
    return then ? Cell(age_text(now - *then), *then) : Cell();
}

std::vector<store::Status> statuses_named(const std::vector<std::string>& names) {
    std::vector<std::string> known;
    for (const store::StatusFacts& status : store::statuses) known.emplace_back(status.name);
    std::vector<store::Status> statuses;
    for (const std::string& name : names) {
        const auto status = store::find_status(name);
        if (!status) throw Error(fmt::format("'{}' is not a status{}", name, suggestion(name, known, "statuses")));
        statuses.push_back(*status);
    }
    return statuses;
}

// The trials of a store to show, and what their lines say.
struct Listing {
    OpenStore* store = nullptr;
    std::vector<store::Trial> trials;
    bool cut = false;  // older ones are left out
    std::map<store::TrialId, FlatConfig> configs;
    std::map<store::TrialId, std::map<std::string, double>> values;
    std::map<store::TrialId, std::vector<store::Rung>> rungs;
    bool tagged = false;  // some of them
};

std::vector<std::string> chosen_metrics(const std::vector<Listing>& listings, const std::vector<std::string>& wanted) {
    if (!wanted.empty()) return wanted;
    std::set<std::string> names;
    for (const Listing& listing : listings)
        for (const auto& [trial, metrics] : listing.values)
            for (const auto& [name, value] : metrics)
                if (!is_reference(name) && axis_of(name) == Axis::step) names.insert(name);
    std::vector<std::string> chosen = by_importance({names.begin(), names.end()});
    if (chosen.size() > most_metrics) chosen.resize(most_metrics);
    return chosen;
}

// A column that nothing could fill is a misspelt name, unless it is of a figure that trials have at their end.
void check_metrics(std::vector<OpenStore>& stores, const std::vector<std::string>& wanted) {
    if (wanted.empty()) return;
    const std::vector<std::string> names = metric_names_in(stores);
    for (const std::string& metric : wanted)
        if (!contains(main_metrics(), metric)) require_metric(metric, names);
}

std::vector<Cell> row_of(const store::ExperimentInfo& info, double now) {
    std::string states;
    for (const auto& [status, count] : info.by_status)
        states += fmt::format("{}{} {}", states.empty() ? "" : ", ", count, store::name_of(status));
    return {info.name,
            Cell::integer(info.trials),
            Cell::integer(info.configs),
            states,
            age_cell(info.last_active ? info.last_active : info.created, now),
            info.description};
}

int list_experiments(const Common& common, std::vector<OpenStore>& stores, std::ostream& out) {
    StoresTable table(stores, {{.name = "experiment", .role = Role::key},
                               {"trials", true},
                               {"configs", true},
                               {.name = "states", .role = Role::whole},
                               {.name = "active", .numeric = true, .drop = 1},
                               {.name = "description", .role = Role::whole}});
    const double now = now_seconds();
    for (OpenStore& each : stores)
        for (const store::ExperimentInfo& info : store::list_experiments(each.store))
            table.add_row(each, row_of(info, now));
    table.print(out, common.format, screen());
    return table.size() > 0 ? exit_ok : exit_no_match;
}

Listing read_listing(OpenStore& from, const ListOptions& options, bool for_people) {
    store::Store& store = from.store;
    store::TrialFilter filter;
    if (!options.experiment.empty()) filter.experiment = find_experiment(store, options.experiment);
    filter.statuses = statuses_named(options.statuses);
    filter.only = chosen_by(store, options.where);
    filter.limit = options.limit > 0 ? options.limit : options.limit < 0 && for_people ? most_lines + 1 : -1;
    Listing read;
    read.store = &from;
    read.trials = store::list_trials(store, filter);
    read.cut = options.limit < 0 && for_people && read.trials.size() > most_lines;
    if (read.cut) read.trials.erase(read.trials.begin());
    std::vector<store::TrialId> ids;
    for (const store::Trial& trial : read.trials) {
        read.configs[trial.id] = config_of(store, trial);
        ids.push_back(trial.id);
        read.tagged |= !trial.tags.empty();
    }
    read.rungs = store::rungs_of(store, ids);
    if (!ids.empty()) read.values = store::metric_values(store, ids, true);
    return read;
}

// What the lines say besides: rungs and tags only where a trial has some.
struct Shown {
    std::vector<std::string> metrics;
    bool chosen = false;  // the metrics were asked for, so that none gives way on a narrow screen
    bool rungs = false, tags = false;
};

Shown shown_of(const std::vector<Listing>& listings, const std::vector<std::string>& wanted) {
    Shown shown{chosen_metrics(listings, wanted), !wanted.empty()};
    for (const Listing& listing : listings) {
        shown.rungs |= !listing.rungs.empty();
        shown.tags |= listing.tagged;
    }
    return shown;
}

ConfigsOf configs_of(const std::vector<Listing>& listings) {
    ConfigsOf configs;
    for (const Listing& listing : listings)
        for (const store::Trial& trial : listing.trials)
            configs[trial.experiment].push_back(&listing.configs.at(trial.id));
    return configs;
}

std::vector<Column> columns_of(const Shown& shown, const SettingsColumns& settings) {
    std::vector<Column> columns = {{.name = "trial", .numeric = true, .role = Role::key},
                                   {.name = "experiment", .role = Role::key},
                                   {"status"},
                                   {"seed", true}};
    if (settings.are_apart()) columns[1] = {.name = "experiment", .drop = 2};
    settings.add_heads(columns);
    if (shown.rungs) columns.push_back({"rung"});
    for (const std::string& metric : shown.metrics) {
        columns.push_back({metric, true, metric_info(metric).unit});
        columns.back().drop = !shown.chosen && metric != shown.metrics.front() ? 1 : 0;
    }
    columns.push_back({"time", true});
    columns.back().drop = 3;
    columns.push_back({"created", true});
    columns.back().drop = 4;
    if (shown.tags) columns.push_back({"tags"});
    return columns;
}

// "600 promoted": the step of its last rung, and what was decided there.
Cell rung_cell(const Listing& listing, store::TrialId trial) {
    const auto rungs = listing.rungs.find(trial);
    if (rungs == listing.rungs.end()) return {};
    const store::Rung& last = rungs->second.back();
    return fmt::format("{} {}", last.step, store::name_of(last.decision));
}

std::vector<Cell> row_of(const Listing& listing, const store::Trial& trial, const Shown& shown,
                         const SettingsColumns& settings, double now) {
    Cell status{std::string(store::name_of(trial.status))};
    status.tone = tone_of(trial.status);
    std::vector<Cell> row = {Cell::integer(trial.id), trial.experiment, status, Cell::integer(trial.seed)};
    settings.add_cells(row, trial.experiment, listing.configs.at(trial.id),
                       nlohmann::json::parse(trial.config, nullptr, false));
    if (shown.rungs) row.push_back(rung_cell(listing, trial.id));
    const auto values = listing.values.find(trial.id);
    for (const std::string& metric : shown.metrics) {
        const bool known = values != listing.values.end() && values->second.contains(metric);
        row.push_back(known ? Cell::number(values->second.at(metric)) : Cell());
    }
    const std::optional<double> seconds = running_time(trial, now);
    row.push_back(seconds ? Cell(duration_text(*seconds), *seconds) : Cell());
    row.push_back(age_cell(trial.created, now));
    if (shown.tags) row.push_back(trial.tags.empty() ? Cell() : Cell(trial.tags));
    return row;
}

// What to say where nothing is found.
std::string nothing_found(const ListOptions& options) {
    return options.where.empty() ? "no trials match; `marginalia run FILE` adds some" : "no trial meets the condition";
}

int list_verb(const Common& common, const ListOptions& options, std::ostream& out) {
    std::vector<OpenStore> stores = open_stores(common);
    check_metrics(stores, options.metrics);
    if (options.experiments) return list_experiments(common, stores, out);
    const bool for_people = common.format == Format::text;
    std::vector<Listing> listings;
    for (OpenStore& each : stores) listings.push_back(read_listing(each, options, for_people));
    const Shown shown = shown_of(listings, options.metrics);
    const SettingsColumns settings(stores, configs_of(listings), common.format);
    StoresTable table(stores, columns_of(shown, settings));
    const double now = now_seconds();
    bool cut = false;
    for (const Listing& listing : listings) {
        cut |= listing.cut;
        for (const store::Trial& trial : listing.trials)
            table.add_row(*listing.store, row_of(listing, trial, shown, settings, now));
    }
    if (table.size() == 0) {
        std::cerr << nothing_found(options) << '\n';
        if (for_people) return exit_no_match;
    }
    table.print(out, common.format, screen());
    if (cut) std::cerr << fmt::format("the newest {}; all with --limit 0\n", most_lines);
    return table.size() == 0 ? exit_no_match : exit_ok;
}

}  // namespace

void add_list(CLI::App& app, CommandLine& line) {
    const auto [verb, options] = add_store_verb(app, line, "list", "Trials, one a line", list_verb);
    add_experiment(verb, options.experiment, "only this experiment's");
    add_names(verb, "--status", options.statuses, "only these: done,failed,...");
    add_names(verb, "-m,--metric", options.metrics, "metrics to show: kl,loss,...");
    add_where(verb, options.where);
    verb->add_option("-n,--limit", options.limit, "the newest so many; 0: all")->check(whole_number(0));
    line.take_stores.insert(verb);
    verb->add_flag("--experiments", options.experiments, "one line an experiment instead");
    add_format(verb, line, "text, csv, json or markdown");
}

}  // namespace marginalia
