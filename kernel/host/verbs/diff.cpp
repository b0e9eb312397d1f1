// `diff`: only what differs between two trials.
#include <fmt/format.h>

#include <cmath>
#include <iostream>
#include <set>

#include "kernel/host/results/text.h"
#include "kernel/host/run/exit_codes.h"
#include "kernel/host/verbs/lookup.h"
#include "kernel/host/verbs/provenance_facts.h"
#include "kernel/host/verbs/side_by_side.h"
#include "kernel/host/verbs/verbs.h"
#include "kernel/spec/metrics.h"

namespace marginalia {
namespace {

struct DiffOptions {
    std::string first, second;
};

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

int diff_verb(const Common& common, const DiffOptions& options, std::ostream& out) {
    store::Store store = store::Store::open_to_read(common.store);
    const std::vector<TrialResult> trials = named_trials(store, {options.first, options.second});
    const TrialResult &a = trials[0], &b = trials[1];
    Table table({{.name = "what", .role = Role::key},
                 {.name = fmt::format("trial {}", a.trial.id), .numeric = true, .role = Role::whole},
                 {.name = fmt::format("trial {}", b.trial.id), .numeric = true, .role = Role::whole},
                 {"change", true}});
    auto add_if_different = [&](const std::string& what, const std::string& one, const std::string& other) {
        if (one != other) table.add_row({what, one, other});
    };
    add_if_different("experiment", a.trial.experiment, b.trial.experiment);
    add_if_different("status", std::string(store::name_of(a.trial.status)),
                     std::string(store::name_of(b.trial.status)));
    add_if_different("seed", std::to_string(a.trial.seed), std::to_string(b.trial.seed));
    const TellingKeys telling = keys_that_differ(store, trials);
    for (const std::string& key : telling.keys())
        table.add_row({key, telling.cell(*a.config, key), telling.cell(*b.config, key)});
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

}  // namespace

void add_diff(CLI::App& app, CommandLine& line) {
    const auto [verb, options] =
        add_store_verb(app, line, "diff", "Only what differs between two trials, code and plugins included", diff_verb);
    verb->add_option("first", options.first, a_trial)->required()->check(names_a_trial);
    verb->add_option("second", options.second, "another one")->required()->check(names_a_trial);
    add_format(verb, line, "text, csv, json, markdown or latex");
}

}  // namespace marginalia
