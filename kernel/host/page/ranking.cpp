#include "kernel/host/page/ranking.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernel/spec/metrics.h"

namespace marginalia::page {
namespace {

double badness_of(const Group& group, const std::string& metric, Goal goal) {
    const auto found = group.finals.find(metric);
    if (found == group.finals.end() || !std::isfinite(found->second.mean))
        return std::numeric_limits<double>::infinity();
    return badness(found->second.mean, goal);
}

}  // namespace

std::string ranking_metric(const ExperimentResults& results) {
    for (const std::string& metric : results.final_names) {
        const Goal goal = metric_info(metric).goal;
        if (goal == Goal::none) continue;
        for (const Group& group : results.groups)
            if (std::isfinite(badness_of(group, metric, goal))) return metric;
    }
    return {};
}

std::vector<std::size_t> best_first(const ExperimentResults& results, const Target& target, const std::string& metric) {
    const Goal goal = metric_info(metric).goal;
    std::vector<std::size_t> groups = target.groups;
    std::ranges::stable_sort(groups, {}, [&](std::size_t g) { return badness_of(results.groups[g], metric, goal); });
    return groups;
}

}  // namespace marginalia::page
