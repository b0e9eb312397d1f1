// `compare`: trials side by side, or their configurations over all seeds.
#include <fmt/format.h>
#include <marginalia/error.h>

#include "kernel/host/results/text.h"
#include "kernel/host/results/where.h"
#include "kernel/host/run/exit_codes.h"
#include "kernel/host/verbs/compare_seeds.h"
#include "kernel/host/verbs/lookup.h"
#include "kernel/host/verbs/side_by_side.h"
#include "kernel/host/verbs/verbs.h"
#include "kernel/spec/metrics.h"
#include "store/error.h"

namespace marginalia {
namespace {

constexpr const char* footer_of_compare =
    R"(With --seeds each TRIAL stands for all seeds of its configuration that are done, and the first for what the others
are compared with. A difference is the other's mean less the first's, its error and p-value those of Student's t-test:
  paired   over the seeds that both have, from two on: d_i = b_i - a_i, error = s_d / sqrt(n), n - 1 degrees of freedom
  Welch    otherwise, over all seeds: error^2 = s_a^2 / n_a + s_b^2 / n_b
p is the probability of a |t| = |difference / error| at least so large where there is no difference. Where more than one
is tested, p_holm is p with Holm's correction for that number: go by it. One seed says nothing.

Examples:
  marginalia compare 1 4
  marginalia compare 1 4 7 --seeds -m kl,nll_bits
  marginalia compare --where 'tag = good'
  marginalia compare --store a.db --store b.db a.db:1 b.db:3)";

constexpr std::size_t most_beside = 20;  // trials that --where may choose

struct CompareOptions {
    std::vector<std::string> trials;
    std::string where;
    bool seeds = false;
    std::vector<std::string> metrics;  // of --seeds; empty: the most telling one
};

std::vector<ChosenTrial> trials_of(std::vector<OpenStore>& stores, const CompareOptions& options) {
    if (options.where.empty() && options.trials.empty())
        throw Error("name two or more trials, or choose them by --where");
    if (!options.where.empty() && !options.trials.empty() && !options.seeds)
        throw Error("trials are named or chosen by --where; both is for --seeds, whose seeds --where chooses");
    std::vector<ChosenTrial> chosen;
    for (const std::string& name : options.trials) {
        const auto [store, own_name] = store_of(stores, name);
        chosen.push_back({store, find_trial(store->store, own_name), stores.size() > 1});
    }
    if (options.trials.empty())
        for (OpenStore& each : stores)
            for (store::Trial& trial : store::list_trials(each.store, {.only = chosen_by(each.store, options.where)}))
                chosen.push_back({&each, std::move(trial), stores.size() > 1});
    if (chosen.size() < 2)
        throw store::StoreError(store::StoreError::Kind::no_match, fmt::format("{} to compare; two or more are needed",
                                                                               count_text(chosen.size(), "trial")));
    if (chosen.size() > most_beside)
        throw Error(fmt::format("{} trials cannot stand side by side; choose at most {}", chosen.size(), most_beside));
    return chosen;
}

void side_by_side(const Common& common, const std::vector<ChosenTrial>& chosen, std::ostream& out) {
    std::vector<TrialResult> trials;
    for (const ChosenTrial& each : chosen) trials.push_back(result_of(each.store->store, each.trial));
    std::vector<Column> columns = {{.name = "what", .role = Role::key}};
    for (const ChosenTrial& each : chosen)
        columns.push_back({.name = name_of(each), .numeric = true, .role = Role::whole});
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
    const TellingKeys telling = keys_that_differ(chosen.front().store->store, trials);
    for (const std::string& key : telling.keys())
        add(key, [&](const TrialResult& r) { return telling.cell(*r.config, key); });
    add("time", [](const TrialResult& r) {
        const auto seconds = running_time(r.trial, now_seconds());
        return seconds ? Cell(duration_text(*seconds), *seconds) : Cell();
    });
    for (const std::string& metric : metrics_of(trials))
        add({metric_title(metric), metric}, [&](const TrialResult& r) { return metric_cell(r, metric); });
    table.print(out, common.format, screen());
}

int compare_verb(const Common& common, const CompareOptions& options, std::ostream& out) {
    if (!options.seeds && !options.metrics.empty())
        throw Error("--metric is for --seeds; all metrics are shown anyway");
    std::vector<OpenStore> stores = open_stores(common);
    const std::vector<ChosenTrial> chosen = trials_of(stores, options);
    if (options.seeds) compare_seeds(chosen, options.where, options.metrics, common.format, out);
    else side_by_side(common, chosen, out);
    return exit_ok;
}

}  // namespace

void add_compare(CLI::App& app, CommandLine& line) {
    const auto [verb, options] = add_store_verb(
        app, line, "compare",
        "Trials side by side: differing config keys and metrics; or whether they differ over seeds", compare_verb);
    verb->footer(footer_of_compare);
    verb->add_option("trials", options.trials, a_trial)->expected(-1)->check(names_a_trial);
    add_where(verb, options.where);
    verb->add_flag("--seeds", options.seeds, "the trials' configurations over all their seeds, with a t-test");
    add_names(verb, "-m,--metric", options.metrics, "with --seeds: metrics to test; the most telling one if left out");
    line.take_stores.insert(verb);
    add_format(verb, line, "text, csv, json, markdown or latex");
}

}  // namespace marginalia
