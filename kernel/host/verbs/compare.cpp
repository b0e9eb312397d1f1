// `compare`: trials side by side.
#include <fmt/format.h>

#include "kernel/host/results/text.h"
#include "kernel/host/run/exit_codes.h"
#include "kernel/host/verbs/lookup.h"
#include "kernel/host/verbs/side_by_side.h"
#include "kernel/host/verbs/verbs.h"
#include "kernel/spec/metrics.h"

namespace marginalia {
namespace {

struct CompareOptions {
    std::vector<std::string> trials;
};

int compare_verb(const Common& common, const CompareOptions& options, std::ostream& out) {
    store::Store store = store::Store::open_to_read(common.store);
    const std::vector<TrialResult> trials = named_trials(store, options.trials);
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

}  // namespace

void add_compare(CLI::App& app, CommandLine& line) {
    const auto [verb, options] =
        add_store_verb(app, line, "compare", "Trials side by side: differing config keys and metrics", compare_verb);
    verb->add_option("trials", options.trials, a_trial)->required()->expected(2, -1)->check(names_a_trial);
    add_format(verb, line, "text, csv, json, markdown or latex");
}

}  // namespace marginalia
