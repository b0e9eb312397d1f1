// `compare` and `diff`: trials side by side, and only what differs.
#include <fmt/format.h>
#include <fmt/ostream.h>

#include <algorithm>
#include <cmath>
#include <iostream>
#include <set>

#include "kernel/host/results/metrics.h"
#include "kernel/host/results/text.h"
#include "kernel/host/verbs/exit_codes.h"
#include "kernel/host/verbs/lookup.h"
#include "kernel/host/verbs/provenance_facts.h"
#include "kernel/host/verbs/verbs.h"

namespace marginalia {
namespace {

std::vector<TrialResult> named_trials(store::Store& store, const std::vector<std::string>& names) {
    std::vector<TrialResult> trials;
    std::vector<store::TrialId> ids;
    for (const std::string& name : names) {
        store::Trial trial = find_trial(store, name);
        ids.push_back(trial.id);
        FlatConfig config = config_of(store, trial);
        trials.push_back({std::move(trial), std::move(config), {}});
    }
    auto values = store::metric_values(store, ids, true);
    for (TrialResult& result : trials) result.finals = values[result.trial.id];
    return trials;
}

std::vector<std::string> keys_that_differ(const std::vector<TrialResult>& trials) {
    std::set<std::string> keys;
    for (const TrialResult& result : trials)
        for (const auto& [key, value] : result.config) keys.insert(key);
    std::vector<std::string> differing;
    for (const std::string& key : keys)
        if (std::any_of(trials.begin(), trials.end(), [&](const TrialResult& result) {
                return config_value(result.config, key) != config_value(trials.front().config, key);
            }))
            differing.push_back(key);
    return differing;
}

std::vector<std::string> metrics_of(const std::vector<TrialResult>& trials) {
    std::set<std::string> names;
    for (const TrialResult& result : trials)
        for (const auto& [name, value] : result.finals)
            if (!is_by_size(name)) names.insert(name);
    return by_importance({names.begin(), names.end()});
}

Cell metric_cell(const TrialResult& result, const std::string& metric) {
    const auto found = result.finals.find(metric);
    return found == result.finals.end() ? Cell() : Cell::number(found->second);
}

// Two that are NaN do not differ.
bool differ(const Cell& a, const Cell& b) {
    const bool numbers = a.value.is_number_float() && b.value.is_number_float();
    if (!numbers) return a.value.is_null() != b.value.is_null();
    const double x = a.value.get<double>(), y = b.value.get<double>();
    return x != y && !(std::isnan(x) && std::isnan(y));
}

Cell change_cell(const TrialResult& a, const TrialResult& b, const std::string& metric) {
    const auto first = a.finals.find(metric), second = b.finals.find(metric);
    if (first == a.finals.end() || second == b.finals.end()) return {};
    const double change = second->second - first->second;
    if (!std::isfinite(change)) return {};
    std::string text = change > 0 ? "+" : "";
    text += number_text(change, 3);
    if (first->second != 0) text += fmt::format(" ({:+.1f} %)", 100 * change / std::abs(first->second));
    Cell cell(std::move(text), change);
    const Goal goal = metric_info(metric).goal;
    if (change != 0 && goal != Goal::none)
        cell.tone = badness(second->second, goal) < badness(first->second, goal) ? Tone::good : Tone::bad;
    return cell;
}

}  // namespace

int compare_verb(const Common& common, const std::vector<std::string>& names, std::ostream& out) {
    store::Store store = store::Store::open_to_read(common.store);
    const std::vector<TrialResult> trials = named_trials(store, names);
    std::vector<Column> columns = {{"what"}};
    for (const TrialResult& result : trials) columns.push_back({fmt::format("trial {}", result.trial.id), true});
    Table table(std::move(columns));
    auto add = [&](Cell what, auto&& cell_of) {
        std::vector<Cell> row = {std::move(what)};
        for (const TrialResult& result : trials) row.push_back(cell_of(result));
        table.add_row(std::move(row));
    };
    add("experiment", [](const TrialResult& r) { return Cell(r.trial.experiment); });
    add("status", [](const TrialResult& r) {
        Cell cell{std::string(store::name_of(r.trial.status))};
        cell.tone = tone_of(r.trial.status);
        return cell;
    });
    add("seed", [](const TrialResult& r) { return Cell::integer(r.trial.seed); });
    for (const std::string& key : keys_that_differ(trials))
        add(key, [&](const TrialResult& r) { return Cell(config_value(r.config, key)); });
    add("time", [](const TrialResult& r) {
        const auto seconds = running_time(r.trial, now_seconds());
        return seconds ? Cell(duration_text(*seconds), *seconds) : Cell();
    });
    for (const std::string& metric : metrics_of(trials))
        add({metric_title(metric), metric}, [&](const TrialResult& r) { return metric_cell(r, metric); });
    table.print(out, common.format, screen());
    return exit_ok;
}

int diff_verb(const Common& common, const std::string& first, const std::string& second, std::ostream& out) {
    store::Store store = store::Store::open_to_read(common.store);
    const std::vector<TrialResult> trials = named_trials(store, {first, second});
    const TrialResult &a = trials[0], &b = trials[1];
    Table table({{"what"},
                 {fmt::format("trial {}", a.trial.id), true},
                 {fmt::format("trial {}", b.trial.id), true},
                 {"change", true}});
    auto add_if_different = [&](const std::string& what, const std::string& one, const std::string& other) {
        if (one != other) table.add_row({what, one, other});
    };
    add_if_different("experiment", a.trial.experiment, b.trial.experiment);
    add_if_different("status", std::string(store::name_of(a.trial.status)),
                     std::string(store::name_of(b.trial.status)));
    add_if_different("seed", std::to_string(a.trial.seed), std::to_string(b.trial.seed));
    for (const std::string& key : keys_that_differ(trials))
        table.add_row({key, config_value(a.config, key), config_value(b.config, key)});
    for (const std::string& metric : metrics_of(trials))
        if (differ(metric_cell(a, metric), metric_cell(b, metric)))
            table.add_row({{metric_title(metric), metric},
                           metric_cell(a, metric),
                           metric_cell(b, metric),
                           change_cell(a, b, metric)});
    const auto from = provenance_facts(store::trial_details(store, a.trial.id).sweep.provenance);
    const auto to = provenance_facts(store::trial_details(store, b.trial.id).sweep.provenance);
    std::set<std::string> facts;
    for (const auto* side : {&from, &to})
        for (const auto& [key, value] : *side) facts.insert(key);
    facts.erase("command line");
    for (const std::string& key : facts)
        add_if_different(key, from.contains(key) ? from.at(key) : "—", to.contains(key) ? to.at(key) : "—");
    if (table.size() == 0) std::cerr << "the two trials are the same in config, metrics and provenance\n";
    else table.print(out, common.format, screen());
    return exit_ok;
}

}  // namespace marginalia
