// The list of experiments.
#include <filesystem>
#include <set>

#include "kernel/host/page/documents.h"
#include "kernel/host/page/ranking.h"
#include "kernel/spec/metrics.h"

namespace marginalia::page {
namespace {

Json row_of(const store::ExperimentInfo& info, const Headline& headline) {
    Json statuses = Json::object();
    for (const auto& [status, count] : info.by_status) statuses[std::string(store::name_of(status))] = count;
    return {{"name", info.name},
            {"description", info.description},
            {"trials", info.trials},
            {"configurations", info.configs},
            {"seeds", headline.seeds},
            {"statuses", statuses},
            {"newest", info.last_active.value_or(info.created)},
            {"best", headline.best}};
}

Json best_of(const ExperimentResults& results) {
    const std::string metric = ranking_metric(results);
    if (metric.empty()) return {};
    const std::vector<Target> targets = targets_of(results);
    for (const Target& target : targets) {
        const Group& group = results.groups[best_first(results, target, metric).front()];
        const auto found = group.finals.find(metric);
        if (found == group.finals.end() || found->second.count == 0) continue;
        const std::optional<double> error = shown_error(group, metric);
        return {{"metric", metric},
                {"unit", metric_info(metric).unit},
                {"value", short_number(found->second.mean)},
                {"error", error ? short_number(*error) : Json()},
                {"label", results.groups.size() > 1 ? group.label : ""},
                {"target", targets.size() > 1 ? target.label : ""}};
    }
    return {};
}

}  // namespace

Json store_document(const store::Store& store, bool live) {
    return {{"store", store.file().filename().string()},
            {"version", MARGINALIA_VERSION},
            {"now", now_seconds()},
            {"live", live}};
}

Headline headline_of(const ExperimentResults& results) {
    std::set<std::int64_t> seeds;
    for (const TrialResult& result : results.trials) seeds.insert(result.trial.seed);
    return {best_of(results), seeds.size()};
}

Json experiments_document(const ExperimentRows& rows, std::int64_t revision) {
    Json list = Json::array();
    for (auto row = rows.rbegin(); row != rows.rend(); ++row) list.push_back(row_of(row->first, row->second));
    return {{"revision", revision}, {"experiments", list}};
}

}  // namespace marginalia::page
