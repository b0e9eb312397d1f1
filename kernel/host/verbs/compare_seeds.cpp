#include "kernel/host/verbs/compare_seeds.h"

#include <fmt/format.h>

#include <iostream>
#include <map>
#include <optional>
#include <set>
#include <tuple>

#include "kernel/host/results/pivot.h"
#include "kernel/host/results/significance.h"
#include "kernel/host/results/where.h"
#include "kernel/host/verbs/lookup.h"
#include "kernel/spec/metrics.h"
#include "store/error.h"

namespace marginalia {
namespace {

// A configuration over its seeds that are done.
struct Seeds {
    std::string name;  // of the trial that was named
    std::map<std::string, BySeed> figures;
};

Seeds seeds_of(const ChosenTrial& chosen, const std::string& condition) {
    Seeds found{name_of(chosen), {}};
    store::Store& store = chosen.store->store;
    const store::TrialFilter filter{.experiment = chosen.trial.experiment, .only = chosen_by(store, condition)};
    for (const TrialResult& each : load_results(store, filter, true).trials)
        if (each.trial.config_hash == chosen.trial.config_hash && each.trial.status == store::Status::done)
            for (const auto& [metric, value] : each.finals) found.figures[metric][each.trial.seed] = value;
    return found;
}

std::vector<std::string> tested_metrics(const std::vector<Seeds>& configurations,
                                        const std::vector<std::string>& wanted) {
    std::set<std::string> names;
    for (const Seeds& each : configurations)
        for (const auto& [metric, figures] : each.figures) names.insert(metric);
    const std::vector<std::string> known(names.begin(), names.end());
    for (const std::string& metric : wanted) require_metric(metric, known);
    if (!wanted.empty()) return wanted;
    if (known.empty())
        throw store::StoreError(store::StoreError::Kind::no_match, "no seed of these configurations is done");
    return {by_importance(known).front()};
}

struct Tested {
    const Seeds* other;
    std::string metric;
    std::optional<MeanDifference> found;
};

std::vector<Tested> test_all(const std::vector<Seeds>& configurations, const std::vector<std::string>& metrics) {
    const auto figures_of = [](const Seeds& seeds, const std::string& metric) {
        const auto found = seeds.figures.find(metric);
        return found == seeds.figures.end() ? BySeed() : found->second;
    };
    std::vector<Tested> tested;
    for (std::size_t i = 1; i < configurations.size(); ++i)
        for (const std::string& metric : metrics)
            tested.push_back(
                {&configurations[i], metric,
                 mean_difference(figures_of(configurations.front(), metric), figures_of(configurations[i], metric))});
    return tested;
}

// A line of the table; its last cell is left out where one test was made.
std::vector<Cell> row_of(const Tested& test, const Seeds& first, const std::optional<double>& corrected) {
    std::vector<Cell> row = {fmt::format("{} and {}", first.name, test.other->name),
                             Cell(metric_title(test.metric), test.metric)};
    if (!test.found) return row;
    const MeanDifference& found = *test.found;
    const auto number = [](const std::optional<double>& value) { return value ? Cell::number(*value) : Cell(); };
    const auto count = [](const Estimate& mean) { return Cell::integer(static_cast<std::int64_t>(mean.count)); };
    row.insert(row.end(), {estimate_cell(found.first), estimate_cell(found.second),
                           Cell(estimate_text(found.difference, found.error),
                                {found.difference, found.error ? nlohmann::json(*found.error) : nlohmann::json()}),
                           count(found.first), count(found.second), found.paired ? "paired" : "Welch", number(found.t),
                           number(found.degrees), number(found.p), number(corrected)});
    return row;
}

void say_what_is_untested(const std::vector<Tested>& tested, const Seeds& first) {
    for (const Tested& test : tested) {
        if (test.found && test.found->p) continue;
        const bool of_first = test.found ? test.found->first.count < 2 : !first.figures.contains(test.metric);
        const std::string& name = of_first ? first.name : test.other->name;
        std::cerr << fmt::format(
            "nothing can be said about {}: the configuration of {} has {} seed with a finite value; "
            "run more seeds\n",
            test.metric, name, test.found ? "one" : "no");
    }
}

// Those of the trials, each once.
std::vector<Seeds> configurations_of(const std::vector<ChosenTrial>& chosen, const std::string& condition) {
    std::vector<Seeds> configurations;
    std::set<std::tuple<const OpenStore*, std::string, std::string>> known;
    for (const ChosenTrial& each : chosen)
        if (known.emplace(each.store, each.trial.experiment, each.trial.config_hash).second)
            configurations.push_back(seeds_of(each, condition));
    if (configurations.size() < 2)
        throw store::StoreError(store::StoreError::Kind::no_match,
                                "these trials are seeds of one configuration; name a trial of each");
    return configurations;
}

std::vector<Column> columns_of_tests(bool several) {
    std::vector<Column> columns = {{.name = "comparison", .role = Role::key},
                                   {.name = "metric", .role = Role::key},
                                   {"first", true, "", "first_stderr"},
                                   {"second", true, "", "second_stderr"},
                                   {"difference", true, "", "difference_stderr"},
                                   {"n_first", true},
                                   {"n_second", true},
                                   {"test"},
                                   {"t", true},
                                   {"df", true},
                                   {"p", true}};
    if (several) columns.push_back({"p_holm", true});
    return columns;
}

}  // namespace

void compare_seeds(const std::vector<ChosenTrial>& chosen, const std::string& condition,
                   const std::vector<std::string>& metrics, Format format, std::ostream& out) {
    const std::vector<Seeds> configurations = configurations_of(chosen, condition);
    const std::vector<Tested> tested = test_all(configurations, tested_metrics(configurations, metrics));
    std::vector<double> p;
    for (const Tested& test : tested)
        if (test.found && test.found->p) p.push_back(*test.found->p);
    const std::vector<double> corrected = holm(p);
    const bool several = p.size() > 1;
    Table table(columns_of_tests(several));
    auto next = corrected.begin();
    for (const Tested& test : tested)
        table.add_row(row_of(test, configurations.front(),
                             several && test.found && test.found->p ? std::optional(*next++) : std::nullopt));
    table.print(out, format, screen());
    say_what_is_untested(tested, configurations.front());
}

}  // namespace marginalia
