#include "kernel/host/results/targets.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "kernel/host/results/stored_json.h"
#include "kernel/spec/metrics.h"

namespace marginalia {
namespace {

constexpr const char* family_key = "train.family";  // further energies, where it is not empty

FlatConfig modelled(const FlatConfig& config) {
    FlatConfig part;
    for (const auto& [key, value] : config)
        if (key.starts_with("energy.") || key.starts_with("dataset.") || (key == family_key && !value.empty()))
            part.emplace(key, value);
    return part;
}

std::string label_of(const FlatConfig& target, const TellingKeys& telling) {
    std::string label;
    const auto add = [&label](const std::string& text) { label += (label.empty() ? "" : ", ") + text; };
    for (const auto& [key, value] : target)
        if (key.ends_with(".plugin")) add(value);
    for (const std::string& key : telling.keys())
        if (target.contains(key) && !key.ends_with(".plugin"))
            add(short_key(key, telling.keys()) + " = " + telling.value(target, key));
    return label;
}

}  // namespace

std::string modelled_in(const std::string& config) {
    const std::string_view family = member_text(member_text(config, "train"), "family");
    const std::string more = family.size() > 2 ? fmt::format(",\"train\":{{\"family\":{}}}", family) : "";
    for (const char* table : {"energy", "dataset"})
        if (const std::string_view text = member_text(config, table); !text.empty())
            return fmt::format("{{\"{}\":{}{}}}", table, text, more);
    return {};
}

std::vector<Target> targets_of(const std::vector<const FlatConfig*>& configs, const KeyOrder& order) {
    std::vector<Target> targets;
    std::map<FlatConfig, std::size_t> place_of;
    for (std::size_t i = 0; i < configs.size(); ++i) {
        const auto [found, is_new] = place_of.try_emplace(modelled(*configs[i]), targets.size());
        if (is_new) targets.emplace_back();
        targets[found->second].groups.push_back(i);
    }
    std::vector<const FlatConfig*> parts;
    for (const auto& [part, place] : place_of) parts.push_back(&part);
    const TellingKeys telling(parts, order);
    for (const auto& [part, place] : place_of) targets[place].label = label_of(part, telling);
    return targets;
}

std::vector<std::size_t> best_groups(const ExperimentResults& results, const std::vector<Target>& targets,
                                     const std::string& metric, std::size_t most) {
    const Goal goal = metric_info(metric).goal;
    const std::size_t of_each = std::max<std::size_t>(1, most / std::max<std::size_t>(1, targets.size()));
    std::vector<std::size_t> best;
    for (const Target& target : targets) {
        std::vector<std::pair<double, std::size_t>> ranked;
        for (const std::size_t group : target.groups) {
            const auto found = results.groups[group].finals.find(metric);
            if (found == results.groups[group].finals.end()) continue;
            const double bad = badness(found->second.mean, goal);
            ranked.emplace_back(std::isnan(bad) ? std::numeric_limits<double>::infinity() : bad, group);
        }
        std::ranges::sort(ranked);
        for (std::size_t i = 0; i < std::min(of_each, ranked.size()) && best.size() < most; ++i)
            best.push_back(ranked[i].second);
    }
    return best;
}

std::vector<Target> targets_of(const ExperimentResults& results) {
    std::vector<const FlatConfig*> configs;
    for (const Group& group : results.groups) configs.push_back(group.config.get());
    return targets_of(configs, results.order);
}

}  // namespace marginalia
