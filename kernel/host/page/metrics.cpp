#include "kernel/host/page/metrics.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "kernel/spec/metrics.h"
#include "store/overview.h"

namespace marginalia::page {
namespace {

bool is_main(const std::string& metric) {
    const std::vector<std::string>& names = main_metrics();
    return metric == "loss" || (std::ranges::find(names, metric) != names.end() && metric_info(metric).unit != "s");
}

const char* goal_name(Goal goal) {
    constexpr const char* names[] = {"low", "high", "zero", "none"};
    return names[static_cast<std::size_t>(goal)];
}

// What stands on the x axis of a curve.
struct AxisWords {
    const char *name, *title;
};
AxisWords axis_words(Axis axis) {
    constexpr AxisWords words[] = {
        {"step", "training step"}, {"sites", "sites in the subset"}, {"distance", "distance [sites]"}};
    return words[static_cast<std::size_t>(axis)];
}

// The exact value that a metric is to be compared with, where evaluation stored one for the whole experiment.
Json reference_of(const std::string& metric, const ExperimentResults& results) {
    const std::map<std::string, std::string> known = {
        {"nll_bits", "entropy_bits_exact"}, {"free_energy", "log_z_exact"}, {"log_z_estimate", "log_z_exact"}};
    const auto special = known.find(metric);
    const std::string name = special == known.end() ? metric + "_exact" : special->second;
    const auto found = results.references.find(name);
    if (found == results.references.end() || found->second.size() != 1 || !std::isfinite(found->second.front()))
        return {};
    const double value = found->second.front();
    if (metric == "free_energy") return {"-log Z", -value};
    return {metric == "nll_bits" ? "exact entropy" : "exact", value};
}

}  // namespace

MetricNames metric_names_of(store::Store& store, const ExperimentResults& results) {
    std::vector<store::TrialId> ids;
    for (const TrialResult& result : results.trials) ids.push_back(result.trial.id);
    MetricNames names;
    names.curves = store::curve_names(store, ids);
    std::erase_if(names.curves, [](const std::string& name) { return is_reference(name); });
    std::set<std::string> all(results.final_names.begin(), results.final_names.end());
    all.insert(names.curves.begin(), names.curves.end());
    names.all = by_importance({all.begin(), all.end()});
    return names;
}

Json metrics_json(const ExperimentResults& results, const MetricNames& names) {
    const std::set<std::string> finals(results.final_names.begin(), results.final_names.end());
    Json list = Json::array();
    for (const std::string& name : names.all) {
        const MetricInfo info = metric_info(name);
        const AxisWords axis = axis_words(axis_of(name));
        list.push_back({{"name", name},
                        {"unit", info.unit},
                        {"about", info.about},
                        {"goal", goal_name(info.goal)},
                        {"axis", axis.name},
                        {"axis_title", axis.title},
                        {"main", is_main(name)},
                        {"final", finals.contains(name)},
                        {"curve", std::ranges::binary_search(names.curves, name)},
                        {"reference", reference_of(name, results)}});
    }
    return list;
}

}  // namespace marginalia::page
