#include "kernel/spec/expand.h"

#include <algorithm>
#include <map>
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
                for (const Setting& setting : point) last_axis_[setting.section] = static_cast<int>(a);
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

    bool next() {
        for (int a = static_cast<int>(axes_.size()) - 1; a >= 0; --a) {
            if (++at_[a] == axes_[a].size()) {
                at_[a] = 0;
                continue;
            }
            refresh(a);
            return true;
        }
        return false;
    }

private:
    // Redoes the sections that an axis from `first` on touches; all of them for -1.
    void refresh(int first) {
        for (std::size_t s = 0; s < sections_.size(); ++s)
            if (last_axis_[s] >= first) refresh_section(s);
    }

    void refresh_section(std::size_t s) {
        std::size_t choice = 0;
        for_settings(s, [&](const Setting& setting) {
            if (setting.values.empty()) choice = setting.choice;
        });
        values_[s] = sections_[s].candidates[choice].values;
        for_settings(s, [&](const Setting& setting) {
            if (!setting.values.empty() && !setting.values[choice].is_null())
                values_[s][setting.key] = setting.values[choice];
        });
        texts_[s] = identity_text(sections_[s].name, values_[s], *sections_[s].candidates[choice].parameters);
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
    std::map<std::string, std::size_t> by_name_;  // in the order of the config's text
};

}  // namespace

std::size_t count_trials(const std::vector<Axis>& axes, std::size_t seeds) {
    std::size_t count = seeds;
    for (const Axis& axis : axes) count = std::min(count * axis.size(), most_trials + 1);
    return count;
}

std::vector<TrialConfig> expand(const std::vector<Section>& sections, const std::vector<Axis>& axes,
                                const std::vector<std::int64_t>& seeds) {
    std::vector<TrialConfig> trials;
    trials.reserve(count_trials(axes, seeds.size()));
    std::unordered_set<std::string> seen;
    Expander expander(sections, axes);
    do {
        const std::string hash = expander.hash(true), evaluation = expander.hash(false);
        if (!seen.insert(hash + evaluation).second) continue;
        const ResourceSettings resources = expander.resources();
        for (const std::int64_t seed : seeds) trials.push_back({expander.config(), hash, seed, evaluation, resources});
    } while (expander.next());
    return trials;
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
