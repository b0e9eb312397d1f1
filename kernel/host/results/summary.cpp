#include "kernel/host/results/summary.h"

#include <fmt/ostream.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <set>

#include "kernel/base/printable.h"
#include "kernel/host/results/results.h"
#include "kernel/host/results/table.h"
#include "kernel/host/results/text.h"
#include "kernel/spec/metrics.h"
#include "store/queries.h"

namespace marginalia {
namespace {

constexpr std::size_t most_configs_side_by_side = 3;

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

Column config_column(const std::string& key, const std::vector<std::string>& keys) { return {short_key(key, keys)}; }

// One row a metric: the readable form of one or few configurations.
void print_upright(const ExperimentResults& results, const std::vector<std::string>& metrics, std::ostream& out) {
    const bool single = results.groups.size() == 1;
    std::vector<Column> columns = {{"metric"}};
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
void print_by_config(const ExperimentResults& results, std::vector<std::string> metrics, std::ostream& out) {
    const std::size_t limit = screen().width;
    std::size_t width = 4;
    for (const std::string& key : results.differing)
        width += std::max<std::size_t>(short_key(key, results.differing).size(), 8) + 2;
    std::size_t fitting = 0;
    for (; fitting < metrics.size() && limit > 0; ++fitting) {
        width += std::max<std::size_t>(metric_title(metrics[fitting]).size(), 17) + 2;
        if (width > limit) break;
    }
    if (limit > 0) metrics.resize(std::max<std::size_t>(fitting, std::min<std::size_t>(metrics.size(), 1)));
    std::vector<Column> columns;
    for (const std::string& key : results.differing) columns.push_back(config_column(key, results.differing));
    columns.push_back({"n", true});
    for (const std::string& metric : metrics) columns.push_back({metric, true, metric_info(metric).unit});
    Table table(std::move(columns));
    for (const Group& group : results.groups) {
        std::vector<Cell> row;
        for (const std::string& key : results.differing) row.push_back(config_value(group.config, key));
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

void print_failures(const ExperimentResults& results, std::span<const store::TrialId> told, std::ostream& out) {
    const std::set<store::TrialId> said(told.begin(), told.end());
    for (const TrialResult& result : results.trials) {
        if (said.contains(result.trial.id)) continue;
        const store::Status status = result.trial.status;
        if (result.trial.error.empty() || status == store::Status::done || status == store::Status::pruned) continue;
        const std::string first = result.trial.error.substr(0, result.trial.error.find('\n'));
        fmt::print(out, "trial {} {}: {}\n", result.trial.id, store::name_of(status), printable(first));
    }
}

constexpr double telling_sigmas = 5;

std::optional<double> mean_of(const Group& group, const std::string& metric) {
    const auto found = group.finals.find(metric);
    if (found == group.finals.end() || !std::isfinite(found->second.mean)) return std::nullopt;
    return found->second.mean;
}

void warn_of_negative_kl(const Group& group, const std::string& where, std::ostream& out) {
    const std::optional<double> kl = mean_of(group, "kl");
    if (!kl) return;
    const double error = group.finals.at("kl").standard_error.value_or(mean_of(group, "kl_stderr").value_or(0));
    if (error > 0 && *kl < -telling_sigmas * error)
        fmt::print(out,
                   "kl is below 0 by {:.0f} standard errors{}, which cannot be: the energy's log Z is wrong; "
                   "marginalia check-plugin finds such\n",
                   -*kl / error, where);
}

// The mean of an observable over one trial's own states beside that over its reference states.
struct Departure {
    store::TrialId trial = 0;
    double model = 0, reference = 0, sigmas = 0;  // how many standard errors lie between the two
};

std::optional<Departure> departure(const TrialResult& result, const std::string& observable) {
    const auto value = [&](const std::string& ending) {
        const auto found = result.finals.find(observable + ending);
        return found == result.finals.end() ? std::nan("") : found->second;
    };
    const double error = std::hypot(value("_stderr"), value("_reference_stderr"));
    const Departure found{result.trial.id, value(""), value("_reference"),
                          std::abs(value("") - value("_reference")) / error};
    return std::isfinite(found.sigmas) ? std::optional(found) : std::nullopt;
}

// A phase that the model lost shows in no figure over its own states. Trial by trial: each may have lost another one.
void warn_of_observables(const ExperimentResults& results, const Group& group, const std::string& where,
                         std::ostream& out) {
    for (const auto& [name, estimate] : group.finals) {
        constexpr std::string_view ending = "_reference";
        if (!name.starts_with("observable.") || !name.ends_with(ending)) continue;
        const std::string observable = name.substr(0, name.size() - ending.size());
        Departure worst;
        for (const std::size_t trial : group.trials)
            if (const auto found = departure(results.trials[trial], observable); found && found->sigmas > worst.sigmas)
                worst = *found;
        if (worst.sigmas > telling_sigmas)
            fmt::print(out,
                       "{} of trial {} is {:.0f} standard errors off its reference states' ({} and {}){}: the model "
                       "may have lost a part of the target\n",
                       printable(observable), worst.trial, worst.sigmas, number_text(worst.model),
                       number_text(worst.reference), where);
    }
}

void warn_of_clipping(const Group& group, const std::string& where, std::ostream& out) {
    constexpr double usual = 0.1;
    if (const std::optional<double> share = mean_of(group, "clipped"); share && *share > usual)
        fmt::print(out,
                   "train.clip shortened the gradient in {:.0f} % of the steps{}, which bends what is learnt: raise it "
                   "far above gradient_norm, or give 0\n",
                   *share * 100, where);
}

// What a reader should know before he believes the table.
void print_warnings(const ExperimentResults& results, std::ostream& out) {
    for (const Group& group : results.groups) {
        const std::string where = results.groups.size() == 1 ? "" : " (" + printable(group.label) + ")";
        if (const std::optional<double> share = mean_of(group, "impossible"); share && *share > 0)
            fmt::print(out,
                       "{} of the model's states have log f = -infinity{}: kl and free_energy are infinite there\n",
                       *share < 1 ? number_text(100 * *share, 3) + " %" : "all", where);
        warn_of_negative_kl(group, where, out);
        warn_of_observables(results, group, where, out);
        warn_of_clipping(group, where, out);
    }
}

bool single_seed_errors(const ExperimentResults& results, const std::vector<std::string>& metrics) {
    for (const Group& group : results.groups)
        for (const std::string& metric : metrics)
            if (shown_estimate(group, metric).of_samples) return true;
    return false;
}

void print_table(const ExperimentResults& results, std::ostream& out) {
    const std::vector<std::string> metrics = shown_metrics(results);
    if (results.groups.size() <= most_configs_side_by_side) {
        print_upright(results, metrics, out);
    } else {
        print_by_config(results, metrics, out);
    }
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
    std::size_t done = 0;
    for (const Group& group : results.groups) done += group.done;
    const std::string configurations = count_text(results.groups.size(), "configuration");
    fmt::print(out, "{}: {} of {} done{}, {}\n", printable(experiment), done,
               count_text(results.trials.size(), "trial"), leave_out_pruned(results), configurations);
    if (done > 0) {
        out << '\n';
        print_table(results, out);
        print_references(results, out);
        print_warnings(results, out);
    }
    print_failures(results, told, out);
    const std::string option = store_option(store);
    fmt::print(out, "next: marginalia report {0}{1}   marginalia list --experiment {0}{1}   marginalia show last{1}\n",
               printable(shell_word(experiment)), option);
}

}  // namespace marginalia
