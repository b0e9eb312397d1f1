#include "kernel/host/results/targets.h"

#include <map>

namespace marginalia {
namespace {

FlatConfig modelled(const FlatConfig& config) {
    FlatConfig part;
    for (const auto& [key, value] : config)
        if (key.starts_with("energy.") || key.starts_with("dataset.")) part.emplace(key, value);
    return part;
}

std::string label_of(const FlatConfig& target, const std::vector<std::string>& differing) {
    std::string label;
    const auto add = [&label](const std::string& text) { label += (label.empty() ? "" : ", ") + text; };
    for (const auto& [key, value] : target)
        if (key.ends_with(".plugin")) add(value);
    for (const std::string& key : differing)
        if (target.contains(key) && !key.ends_with(".plugin"))
            add(short_key(key, differing) + " = " + config_value(target, key));
    return label;
}

}  // namespace

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
    const std::vector<std::string> differing = differing_keys(parts, order);
    for (const auto& [part, place] : place_of) targets[place].label = label_of(part, differing);
    return targets;
}

std::vector<Target> targets_of(const ExperimentResults& results) {
    std::vector<const FlatConfig*> configs;
    for (const Group& group : results.groups) configs.push_back(&group.config);
    return targets_of(configs, results.order);
}

}  // namespace marginalia
