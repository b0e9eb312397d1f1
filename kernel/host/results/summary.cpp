#include "kernel/host/results/summary.h"

#include <fmt/ostream.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <numeric>
#include <set>

#include "kernel/base/printable.h"
#include "kernel/host/results/results.h"
#include "kernel/host/results/table.h"
#include "kernel/host/results/targets.h"
#include "kernel/host/results/text.h"
#include "kernel/host/results/warnings.h"
#include "kernel/spec/metrics.h"
#include "store/queries.h"

namespace marginalia {
namespace {

constexpr std::size_t most_configs_side_by_side = 3, most_lines = 20;

std::vector<std::size_t> all_groups(const ExperimentResults& results) {
    std::vector<std::size_t> groups(results.groups.size());
    std::iota(groups.begin(), groups.end(), 0);
    return groups;
}

std::vector<std::string> shown_metrics(const ExperimentResults& results) {
    std::vector<std::string> shown;
    for (const std::string& name : main_metrics())
        if (std::find(results.final_names.begin(), results.final_names.end(), name) != results.final_names.end())
            shown.push_back(name);
    constexpr std::size_t most = 8;
    if (shown.empty()) shown = results.final_names;
    if (shown.size() > std::max(most, main_metrics().size())) shown.resize(most);
    return shown;
}

Cell estimate_cell(const Group& group, const std::string& metric) {
    const ShownEstimate shown = shown_estimate(group, metric);
    return {shown.text, shown.value};
}

// One row a metric: the readable form of one or few configurations.
void print_upright(const ExperimentResults& results, const std::vector<std::string>& metrics, std::ostream& out) {
    const bool single = results.groups.size() == 1;
    std::vector<Column> columns = {{.name = "metric", .role = Role::key}};
    for (const Group& group : results.groups) columns.push_back({single ? "value" : group.label, true});
    Table table(std::move(columns));
    std::vector<Cell> seeds = {"seeds done"};
    for (const Group& group : results.groups) seeds.push_back(fmt::format("{} of {}", group.done, group.trials.size()));
    table.add_row(std::move(seeds));
    for (const std::string& metric : metrics) {
        std::vector<Cell> row = {metric_title(metric)};
        for (const Group& group : results.groups) row.push_back(estimate_cell(group, metric));
        table.add_row(std::move(row));
    }
    table.print(out, Format::text, screen());
}

// One row a configuration; the least telling metrics are left out where the terminal is too narrow.
void print_by_config(const ExperimentResults& results, const std::vector<std::size_t>& groups,
                     const std::vector<std::string>& metrics, std::ostream& out) {
    std::vector<Column> columns = setting_columns(results.differing);
    columns.push_back({"n", true});
    for (std::size_t i = 0; i < metrics.size(); ++i)
        columns.push_back(
            {.name = metrics[i], .numeric = true, .unit = metric_info(metrics[i]).unit, .drop = static_cast<int>(i)});
    Table table(std::move(columns));
    for (const std::size_t index : groups) {
        const Group& group = results.groups[index];
        std::vector<Cell> row;
        for (const std::string& key : results.differing) row.push_back(results.telling.cell(*group.config, key));
        row.push_back(Cell::integer(static_cast<std::int64_t>(group.done)));
        for (const std::string& metric : metrics) row.push_back(estimate_cell(group, metric));
        table.add_row(std::move(row));
    }
    table.print(out, Format::text, screen());
}

void print_references(const ExperimentResults& results, std::ostream& out) {
    for (const auto& [name, values] : results.references) {
        std::string line;
        for (const double value : values) line += (line.empty() ? "" : ", ") + exact_text(value);
        const std::string unit = metric_info(name).unit;
        fmt::print(out, "{}: {}{}{}\n", printable(name), line, unit.empty() ? "" : " ", unit);
    }
}

// Trials that share a reason in one line.
void print_failures(const ExperimentResults& results, std::span<const store::TrialId> told, std::ostream& out) {
    const std::set<store::TrialId> said(told.begin(), told.end());
    std::vector<std::pair<std::string, std::vector<store::TrialId>>> failures;
    std::map<std::string, std::size_t> places;
    for (const TrialResult& result : results.trials) {
        const store::Status status = result.trial.status;
        if (said.contains(result.trial.id) || result.trial.error.empty()) continue;
        if (status == store::Status::done || status == store::Status::pruned) continue;
        const std::string first = result.trial.error.substr(0, result.trial.error.find('\n'));
        const std::string how = fmt::format("{}: {}", store::name_of(status), printable(first));
        const auto [place, is_new] = places.try_emplace(how, failures.size());
        if (is_new) failures.emplace_back(how, std::vector<store::TrialId>());
        failures[place->second].second.push_back(result.trial.id);
    }
    for (std::size_t i = 0; i < std::min(most_lines, failures.size()); ++i)
        fmt::print(out, "{} {}\n", trials_text(failures[i].second), failures[i].first);
    if (failures.size() > most_lines)
        fmt::print(out, "and trials with {}\n", count_text(failures.size() - most_lines, "other reason"));
}

bool single_seed_errors(const ExperimentResults& results, const std::vector<std::string>& metrics) {
    for (const Group& group : results.groups)
        for (const std::string& metric : metrics)
            if (shown_estimate(group, metric).of_samples) return true;
    return false;
}

// Of many configurations the best.
void print_some(const ExperimentResults& results, const std::vector<std::string>& metrics, const std::string& option,
                std::ostream& out) {
    if (results.groups.size() <= most_lines || metrics.empty())
        return print_by_config(results, all_groups(results), metrics, out);
    const std::vector<Target> targets = targets_of(results);
    const std::vector<std::size_t> best = best_groups(results, targets, metrics.front(), most_lines);
    print_by_config(results, best, metrics, out);
    fmt::print(out, "{} of {} configurations, the best by {}{}; all: marginalia table {}{}\n", best.size(),
               results.groups.size(), printable(metrics.front()),
               targets.size() == 1 ? "" : fmt::format(" of each of {} energies or data sets", targets.size()),
               printable(shell_word(results.name)), option);
}

void print_table(const ExperimentResults& results, const std::string& option, std::ostream& out) {
    const std::vector<std::string> metrics = shown_metrics(results);
    if (results.groups.size() <= most_configs_side_by_side) print_upright(results, metrics, out);
    else print_some(results, metrics, option, out);
    out << '\n';
    if (single_seed_errors(results, metrics))
        out << "± of a single seed: standard error over the evaluation's samples\n";
}

// Configurations of which others were better have no figures. ", 78 pruned"
std::string leave_out_pruned(ExperimentResults& results) {
    const auto is_pruned = [&](std::size_t trial) {
        return results.trials[trial].trial.status == store::Status::pruned;
    };
    std::erase_if(results.groups, [&](const Group& group) { return std::ranges::all_of(group.trials, is_pruned); });
    const auto count = std::ranges::count(results.trials, store::Status::pruned,
                                          [](const TrialResult& result) { return result.trial.status; });
    return count == 0 ? "" : fmt::format(", {} pruned", count);
}

}  // namespace

std::string store_option(const store::Store& store) {
    const std::string file = store.file().string();
    if (std::getenv("MARGINALIA_STORE") || std::filesystem::path(file).filename() == "marginalia.db") return {};
    return " --store " + printable(shell_word(file));
}

void print_summary(store::Store& store, const std::string& experiment, std::ostream& out,
                   std::span<const store::TrialId> told) {
    const std::vector<std::int64_t> sweeps = store::sweep_ids(store, experiment);
    if (sweeps.empty()) return;
    ExperimentResults results = load_results(store, {.experiment = experiment, .sweep = sweeps.back()});
    const std::string option = store_option(store);
    std::size_t done = 0;
    for (const Group& group : results.groups) done += group.done;
    const std::string configurations = count_text(results.groups.size(), "configuration");
    fmt::print(out, "{}: {} of {} done{}, {}\n", printable(experiment), done,
               count_text(results.trials.size(), "trial"), leave_out_pruned(results), configurations);
    if (done > 0) {
        out << '\n';
        print_table(results, option, out);
        print_references(results, out);
        for (const std::string& warning : warnings_of(results)) out << wrap(warning, screen().width);
    }
    print_failures(results, told, out);
    fmt::print(out, "next: marginalia report {0}{1}   marginalia list --experiment {0}{1}   marginalia show last{1}\n",
               printable(shell_word(experiment)), option);
}

}  // namespace marginalia
