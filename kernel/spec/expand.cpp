#include "kernel/spec/expand.h"

#include <algorithm>
#include <map>
#include <unordered_map>
#include <unordered_set>

#include "kernel/spec/identity.h"

namespace marginalia::config {
namespace {

// Steps through the product and keeps each section's values and text, so that a step redoes only the sections that
// its axes touch: a grid of 10,000 trials is a matter of tenths of a second.
class Expander {
public:
    Expander(const std::vector<Section>& sections, const std::vector<Axis>& axes)
        : sections_(sections), axes_(axes), at_(axes.size(), 0), last_axis_(sections.size(), -1),
          values_(sections.size()), texts_(sections.size()) {
        for (std::size_t a = 0; a < axes.size(); ++a)
            for (const Point& point : axes[a])
                for (const Setting& setting : point) touch(setting, static_cast<int>(a));
        for (std::size_t s = 0; s < sections.size(); ++s) by_name_[sections[s].name] = s;
        refresh(-1);
    }

    // That of the training, or of the evaluation.
    std::string hash(bool of_training) const {
        std::map<std::string, std::string> texts;
        for (const auto& [name, s] : by_name_)
            if (!values_[s].is_null() && name != resources_table && shapes_weights(name) == of_training)
                texts.emplace(name, texts_[s]);
        return identity_hash(texts);
    }

    nlohmann::json config() const {
        nlohmann::json config = nlohmann::json::object();
        for (const auto& [name, s] : by_name_)
            if (!values_[s].is_null() && name != resources_table) config[name] = values_[s];
        return config;
    }

    ResourceSettings resources() const {
        const auto section = by_name_.find(resources_table);
        return section == by_name_.end() ? ResourceSettings{} : values_[section->second].get<ResourceSettings>();
    }

    bool holds(const Condition& condition) const {
        return std::all_of(condition.begin(), condition.end(), [&](const Test& test) {
            const nlohmann::json* value = value_of(test);
            return value && test.accepts(*value);
        });
    }

    bool next() {
        for (int a = static_cast<int>(axes_.size()) - 1; a >= 0; --a) {
            if (++at_[a] == axes_[a].size()) {
                at_[a] = 0;
                continue;
            }
            judged_.clear();
            refresh(a);
            return true;
        }
        return false;
    }

private:
    // A condition may be about any axis.
    void touch(const Setting& setting, int axis) {
        int& last = last_axis_[setting.section];
        last = std::max(last, setting.when ? static_cast<int>(axes_.size()) - 1 : axis);
    }

    // Redoes the sections that an axis from `first` on touches; all of them for -1.
    void refresh(int first) {
        for (std::size_t s = 0; s < sections_.size(); ++s)
            if (last_axis_[s] >= first) refresh_section(s);
    }

    void refresh_section(std::size_t s) {
        const std::size_t choice = choice_of(s);
        values_[s] = sections_[s].candidates[choice].values;
        for_settings(s, [&](const Setting& setting) {
            if (gives_value(setting, choice) && is_there(setting)) values_[s][setting.key] = setting.values[choice];
        });
        texts_[s] = identity_text(sections_[s].name, values_[s], *sections_[s].candidates[choice].parameters);
    }

    std::size_t choice_of(std::size_t section) const {
        std::size_t choice = 0;
        for_settings(section, [&](const Setting& setting) {
            if (setting.values.empty()) choice = setting.choice;
        });
        return choice;
    }

    static bool gives_value(const Setting& setting, std::size_t choice) {
        return !setting.values.empty() && !setting.values[choice].is_null();
    }

    // Each condition is judged once a step: many that build on each other would take as long as there are ways through.
    bool is_there(const Setting& setting) const {
        if (!setting.when) return true;
        const auto known = judged_.find(setting.when.get());
        if (known != judged_.end()) return known->second;
        return judged_[setting.when.get()] = holds(*setting.when);
    }

    // From the settings and not from values_, some of which may be those of the step before. Conditions lead in no
    // circle (condition.h), so this ends. Null: the trial does not have the key.
    const nlohmann::json* value_of(const Test& test) const {
        const std::size_t choice = choice_of(test.section);
        const Candidate& candidate = sections_[test.section].candidates[choice];
        if (candidate.is_none()) return test.key == "plugin" ? &none_ : nullptr;
        if (!test.plugin.empty() && (!candidate.plugin || candidate.plugin->name != test.plugin)) return nullptr;
        const auto given = candidate.values.find(test.key);
        const nlohmann::json* value = given == candidate.values.end() ? nullptr : &*given;
        for_settings(test.section, [&](const Setting& setting) {
            if (setting.key == test.key && gives_value(setting, choice))
                value = is_there(setting) ? &setting.values[choice] : nullptr;
        });
        return value;
    }

    template <class Use>
    void for_settings(std::size_t section, Use use) const {
        for (std::size_t a = 0; a < axes_.size(); ++a)
            for (const Setting& setting : axes_[a][at_[a]])
                if (setting.section == section) use(setting);
    }

    const std::vector<Section>& sections_;
    const std::vector<Axis>& axes_;
    std::vector<std::size_t> at_;
    std::vector<int> last_axis_;
    std::vector<nlohmann::json> values_;
    std::vector<std::string> texts_;
    std::map<std::string, std::size_t> by_name_;                 // in the order of the config's text
    mutable std::unordered_map<const Condition*, bool> judged_;  // of this step
    const nlohmann::json none_ = no_plugin;
};

}  // namespace

std::size_t count_trials(const std::vector<Axis>& axes, std::size_t seeds) {
    std::size_t count = seeds;
    for (const Axis& axis : axes) count = std::min(count * axis.size(), most_trials + 1);
    return count;
}

Expansion expand(const std::vector<Section>& sections, const Sweep& sweep, const std::vector<std::int64_t>& seeds) {
    Expansion expansion{{}, 0, std::vector<bool>(sweep.excludes.size())};
    std::unordered_set<std::string> seen;
    Expander expander(sections, sweep.axes);
    do {
        bool left_out = false;
        for (std::size_t e = 0; e < sweep.excludes.size(); ++e)
            if (expander.holds(sweep.excludes[e].condition)) expansion.fits[e] = left_out = true;
        expansion.left_out += left_out;
        if (left_out) continue;
        const std::string hash = expander.hash(true), evaluation = expander.hash(false);
        if (!seen.insert(hash + evaluation).second) continue;
        const ResourceSettings resources = expander.resources();
        for (const std::int64_t seed : seeds)
            expansion.trials.push_back({expander.config(), hash, seed, evaluation, resources});
    } while (expander.next());
    return expansion;
}

std::vector<std::string> varied_keys(const std::vector<Section>& sections, const std::vector<Axis>& axes) {
    std::vector<std::string> keys;
    for (const Axis& axis : axes) {
        if (axis.size() < 2) continue;
        for (const Setting& setting : axis.front()) {
            std::string key = sections[setting.section].name + "." + setting.key;
            if (std::find(keys.begin(), keys.end(), key) == keys.end()) keys.push_back(std::move(key));
        }
    }
    return keys;
}

}  // namespace marginalia::config
