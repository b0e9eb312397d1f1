#include "kernel/host/page/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "kernel/base/printable.h"
#include "kernel/host/page/documents.h"
#include "kernel/host/page/html.h"
#include "kernel/host/page/metrics.h"
#include "kernel/host/page/ranking.h"
#include "kernel/host/results/where.h"
#include "store/error.h"

namespace marginalia::page {
namespace {

constexpr std::size_t most_shown = 16;                               // trials with curves, samples and details
constexpr std::size_t most_points_in_all = 7'000;                    // of all curves
constexpr std::size_t least_of_a_curve = 20, most_of_a_curve = 200;  // points
constexpr std::size_t most_sample_bytes = 100'000, most_of_a_short_log = 4'000;

using Trials = std::vector<store::TrialId>;

std::optional<Trials> trials_chosen(store::Store& store, const ReportChoice& choice) {
    std::optional<Trials> chosen = chosen_by(store, choice.where);
    if (choice.trials.empty()) return chosen;
    Trials wanted = choice.trials;
    std::ranges::sort(wanted);
    if (!chosen) return wanted;
    Trials both;
    std::ranges::sort(*chosen);
    std::ranges::set_intersection(*chosen, wanted, std::back_inserter(both));
    return both;
}

ExperimentResults results_of(store::Store& store, const ReportChoice& choice) {
    ExperimentResults results =
        load_results(store, {.experiment = choice.experiment, .only = trials_chosen(store, choice)});
    if (!results.trials.empty()) return results;
    throw store::StoreError(
        store::StoreError::Kind::no_match,
        fmt::format("no trial of '{}' is among those that were asked for", printable(choice.experiment)));
}

// The best group of each target, then the second of each, and so on.
std::vector<std::size_t> groups_in_order(const ExperimentResults& results) {
    std::vector<std::vector<std::size_t>> ranked;
    const std::string metric = ranking_metric(results);
    for (const Target& target : targets_of(results)) ranked.push_back(best_first(results, target, metric));
    std::vector<std::size_t> groups;
    for (std::size_t place = 0; groups.size() < results.groups.size(); ++place)
        for (const std::vector<std::size_t>& target : ranked)
            if (place < target.size()) groups.push_back(target[place]);
    return groups;
}

// The trials of the best groups, those that are done first within each.
Trials trials_shown(const ExperimentResults& results) {
    Trials shown;
    for (const std::size_t g : groups_in_order(results)) {
        std::vector<std::size_t> trials = results.groups[g].trials;
        std::ranges::stable_partition(
            trials, [&](std::size_t index) { return results.trials[index].trial.status == store::Status::done; });
        for (const std::size_t index : trials) {
            if (shown.size() == most_shown) return shown;
            shown.push_back(results.trials[index].trial.id);
        }
    }
    return shown;
}

Json curves_of(store::Store& store, const ExperimentResults& results, const Trials& trials) {
    const std::vector<std::string> metrics = metric_names_of(store, results).curves;
    const std::size_t curves = std::max<std::size_t>(1, trials.size() * metrics.size());
    const CurveView view = {.points = std::clamp(most_points_in_all / curves, least_of_a_curve, most_of_a_curve)};
    Json json = Json::object();
    for (const std::string& metric : metrics) {
        Json found = curves_document(store, metric, trials, view)["curves"];
        if (!found.empty()) json[metric] = std::move(found);
    }
    return json;
}

Json details_of(store::Store& store, const Trials& trials) {
    Json json = Json::object();
    for (const store::TrialId trial : trials) {
        Json& details = json[std::to_string(trial)] = trial_document(store, trial);
        details.erase("toml");  // the experiment has it
        details.erase("provenance");
        details.erase("config");                                                        // `flat` has it
        if (details["evaluations"].size() < 2) details["evaluations"] = Json::array();  // all of it is shown above
        auto& log = details["log"].get_ref<std::string&>();
        if (log.size() > most_of_a_short_log) log.erase(0, log.size() - most_of_a_short_log);
    }
    return json;
}

Json samples_of(store::Store& store, const Trials& trials) {
    Json json = Json::object();
    std::size_t bytes = 0;
    for (const store::TrialId trial : trials) {
        Json samples = samples_of_trial(store, trial);
        bytes += samples.dump(-1, ' ', false, Json::error_handler_t::replace).size();
        if (bytes > most_sample_bytes && !json.empty()) break;
        if (!samples.empty()) json[std::to_string(trial)] = std::move(samples);
    }
    return json;
}

// A name within an address, as the page writes it by encodeURIComponent.
std::string in_address(const std::string& text) {
    constexpr std::string_view plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.!~*'()";
    std::string out;
    for (const char c : text)
        out += plain.find(c) != plain.npos ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
    return out;
}

Json row_of(store::Store& store, const ExperimentResults& results) {
    std::vector<store::ExperimentInfo> known = store::list_experiments(store);
    const auto found = std::ranges::find(known, results.name, &store::ExperimentInfo::name);
    return experiments_document({{*found, headline_of(results)}}, 0);
}

}  // namespace

std::string report_page(store::Store& store, const ReportChoice& choice) {
    const ExperimentResults results = results_of(store, choice);
    const Trials shown = choice.trials.empty() ? trials_shown(results) : choice.trials;
    Json answers = Json::object();
    answers["/api/store"] = store_document(store, false);
    answers["/api/experiments"] = row_of(store, results);
    answers["/api/experiment?name=" + in_address(printable_lines(results.name))] =
        experiment_document(store, results, choice.where, 0);
    const Json embedded = {{"answers", std::move(answers)},
                           {"curves", curves_of(store, results, shown)},
                           {"samples", samples_of(store, shown)},
                           {"details", details_of(store, shown)}};
    return page_with(json_text(embedded), results.name);
}

}  // namespace marginalia::page
