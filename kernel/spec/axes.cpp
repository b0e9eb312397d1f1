// From the keys of [sweep] to checked values.
#include <algorithm>

#include "kernel/spec/nearest.h"
#include "kernel/spec/range.h"
#include "kernel/spec/sweep.h"
#include "kernel/spec/value.h"

namespace marginalia::config {
namespace {

class AxesMaker {
public:
    AxesMaker(const SweepText& sweep, const std::vector<Section>& sections, const PluginCatalogue& catalogue,
              const std::filesystem::path& folder, Faults& faults)
        : sweep_(sweep), sections_(sections), catalogue_(catalogue), folder_(folder), faults_(faults),
          conditions_(read_conditions(sweep, sections, catalogue, folder, faults)), units_(units_of(sweep)) {}

    Sweep make() {
        Sweep made;
        for (const SweptKey& key : sweep_.grid) add(made.axes, together({column(key)}));
        for (const auto& zip : sweep_.zips) {
            ++zip_;
            add(made.axes, zipped(zip));
        }
        zip_ = 0;
        std::vector<std::vector<Setting>> draws;
        for (const SweptKey& key : sweep_.draws) draws.push_back(column(key));
        add(made.axes, together(std::move(draws)));
        made.excludes = read_excludes(sweep_, sections_, catalogue_, folder_, faults_);
        for (const Exclude& exclude : made.excludes) space_.exclude.push_back(json_of(exclude.condition));
        made.space = std::move(space_);
        return made;
    }

private:
    static std::map<std::string, std::vector<double>> units_of(const SweepText& sweep) {
        std::vector<std::string> drawn;
        for (const SweptKey& key : sweep.draws) drawn.push_back(key.dotted);
        return unit_draws(sweep.plan, drawn);
    }

    static void add(std::vector<Axis>& axes, Axis axis) {
        if (!axis.empty()) axes.push_back(std::move(axis));
    }

    // Point i takes value i of every column; empty columns are keys that were refused or that no trial uses.
    static Axis together(std::vector<std::vector<Setting>> columns) {
        Axis axis;
        for (auto& column : columns) {
            axis.resize(std::max(axis.size(), column.size()));
            for (std::size_t i = 0; i < column.size(); ++i) axis[i].push_back(std::move(column[i]));
        }
        return axis;
    }

    Axis zipped(const std::vector<SweptKey>& keys) {
        std::vector<std::vector<Setting>> columns;
        const SweptKey* first = nullptr;
        std::size_t length = 0;
        for (const SweptKey& key : keys) {
            columns.push_back(column(key));
            if (columns.back().empty()) continue;
            if (!first) first = &key, length = columns.back().size();
            if (columns.back().size() != length)
                faults_.add(key.place, "'" + key.dotted + "' has " + std::to_string(columns.back().size()) +
                                           " values, but '" + first->dotted + "' in the same [[sweep.zip]] has " +
                                           std::to_string(length) +
                                           "; lists that move together must be of equal length");
        }
        return together(std::move(columns));
    }

    std::vector<Setting> column(const SweptKey& key) {
        const Section* section = find_section(sections_, key.section);
        if (!section) {
            faults_.add(key.place,
                        "'" + key.dotted + "' is swept, but the file has no table [" + key.section + "]; add it");
            return {};
        }
        section_ = static_cast<std::size_t>(section - sections_.data());
        std::vector<Setting> settings = key.is_plugin_choice() ? plugin_column(key, *section)
                                        : key.plugin.empty()   ? common_column(key, *section)
                                                               : own_column(key, *section);
        if (settings.empty()) return settings;
        const auto condition = conditions_.find(key.dotted);
        if (condition != conditions_.end())
            for (Setting& setting : settings) setting.when = condition->second;
        describe(key, *section, settings.front());
        return settings;
    }

    // What other programs learn of the key at hand.
    void describe(const SweptKey& key, const Section& section, const Setting& setting) {
        using Kind = SpaceParameter::Kind;
        SpaceParameter& parameter = space_.parameters.emplace_back(SpaceParameter{.key = key.dotted, .zip = zip_});
        for (const Node& choice : domain_->choices) parameter.choices.push_back(choice.scalar);
        if (domain_->choices.empty()) {
            parameter.kind = type_ == ParameterType::integer ? Kind::integer : Kind::number;
            parameter.low = domain_->low;
            parameter.high = domain_->last();
            parameter.log = domain_->log;
            parameter.step = domain_->step;
        }
        if (setting.when) parameter.condition = json_of(*setting.when);
        if (!setting.values.empty()) require_plugins(parameter.condition, section, setting);
    }

    // Adds to a condition that the plugin has the key, unless all have it.
    void require_plugins(nlohmann::json& condition, const Section& section, const Setting& setting) {
        const std::string key = section.name + ".plugin";
        const nlohmann::json* asked = condition.contains(key) ? &condition[key] : nullptr;
        std::vector<std::string> plugins;
        for (std::size_t c = 0; c < section.candidates.size(); ++c)
            if (const std::string name = name_of(section.candidates[c]);
                !setting.values[c].is_null() &&
                (!asked || std::find(asked->begin(), asked->end(), nlohmann::json(name)) != asked->end()))
                plugins.push_back(name);
        if (asked || plugins.size() < section.candidates.size()) condition[key] = plugins;
    }

    std::vector<Node> nodes_of(const SweptKey& key, ParameterType type) {
        type_ = type;
        domain_ = domain_of(*key.values, key.dotted, type, faults_);
        if (!domain_) return {};
        const auto units = units_.find(key.dotted);
        if (units == units_.end()) return domain_->choices;
        std::vector<Node> drawn;
        for (const double u : units->second) drawn.push_back(value_at(*domain_, u, type));
        return drawn;
    }

    std::vector<Setting> plugin_column(const SweptKey& key, const Section& section) {
        std::vector<Setting> settings;
        for (const Node& node : nodes_of(key, ParameterType::text)) {
            std::size_t choice = 0;  // an unknown plugin is a fault that read_section has told
            for (std::size_t c = 0; c < section.candidates.size(); ++c)
                if (node.scalar == nlohmann::json(name_of(section.candidates[c]))) choice = c;
            settings.push_back({section_, "plugin", {}, choice});
        }
        return settings;
    }

    static std::string name_of(const Candidate& candidate) {
        return candidate.plugin ? candidate.plugin->name : candidate.is_none() ? no_plugin : "";
    }

    // A parameter of all the section's plugins; trials without a plugin are the same for all its values.
    std::vector<Setting> common_column(const SweptKey& key, const Section& section) {
        std::vector<const ParameterSpec*> specs;
        for (const Candidate& candidate : section.candidates)
            specs.push_back(find_parameter(*candidate.parameters, key.key));
        const auto lacks = [&](std::size_t c) { return !specs[c] && !section.candidates[c].is_none(); };
        bool used = false;
        for (std::size_t c = 0; c < specs.size(); ++c) {
            if (!section.complete && lacks(c)) return {};
            used |= !section.candidates[c].is_none();
        }
        if (!used) return {};
        for (std::size_t c = 0; c < specs.size(); ++c)
            if (!section.candidates[c].is_none() && !usable(key, section, section.candidates[c], specs[c])) return {};
        return settings_of(key, specs);
    }

    bool usable(const SweptKey& key, const Section& section, const Candidate& candidate, const ParameterSpec* spec) {
        const std::string plugin = candidate.plugin ? candidate.plugin->name : "";
        const std::string own = key.section + "." + plugin + "." + key.key;
        if (!spec) {
            const bool elsewhere =
                std::any_of(section.candidates.begin(), section.candidates.end(),
                            [&](const Candidate& c) { return find_parameter(*c.parameters, key.key) != nullptr; });
            faults_.add(key.place, elsewhere ? section.kind + " '" + plugin + "' has no parameter '" + key.key +
                                                   "'; sweep it for the plugin that has it, as \"" + key.section +
                                                   ".PLUGIN." + key.key + "\""
                                             : unknown(key, section.kind, candidate));
            return false;
        }
        const auto keys = sweep_.keys();
        const bool own_swept =
            std::any_of(keys.begin(), keys.end(), [&](const SweptKey* k) { return k->dotted == own; });
        if (candidate.plugin && (candidate.own.contains(key.key) || own_swept)) {
            faults_.add(key.place, "'" + key.dotted + "' is swept, but " +
                                       (own_swept ? "so is '" + own + "'"
                                                  : "[" + key.section + "." + plugin + "] gives it a value") +
                                       ", which goes first; keep one of the two");
            return false;
        }
        return true;
    }

    static std::string unknown(const SweptKey& key, const std::string& kind, const Candidate& candidate) {
        const std::string label = candidate.plugin ? "Parameters of " + kind + " '" + candidate.plugin->name + "'"
                                                   : "Keys of [" + key.section + "]";
        return "unknown key '" + key.dotted + "' in [sweep]" +
               suggestion(key.key, names_of(*candidate.parameters), label);
    }

    // A parameter of one plugin, "network.mlp.hidden"; trials with another plugin are the same for all its values.
    std::vector<Setting> own_column(const SweptKey& key, const Section& section) {
        const PluginManifest* plugin = catalogue_.find(section.kind, key.plugin);
        if (!plugin) {
            faults_.add(
                key.place,
                "unknown " + section.kind + " plugin '" + key.plugin + "' in the sweep key '" + key.dotted + "'" +
                    suggestion(key.plugin, plugin_names(catalogue_, section.kind), "The " + section.kind + " plugins"));
            return {};
        }
        const ParameterSpec* spec = find_parameter(plugin->parameters, key.key);
        if (!spec) {
            faults_.add(key.place, unknown(key, section.kind, {plugin, &plugin->parameters, {}, {}}));
            return {};
        }
        std::vector<const ParameterSpec*> specs;
        for (const Candidate& candidate : section.candidates)
            specs.push_back(candidate.plugin == plugin ? spec : nullptr);
        const bool used = std::find(specs.begin(), specs.end(), spec) != specs.end();
        if (!used) specs.push_back(spec);
        std::vector<Setting> settings = settings_of(key, specs);
        return used ? settings : std::vector<Setting>{};
    }

    std::vector<Setting> settings_of(const SweptKey& key, const std::vector<const ParameterSpec*>& specs) {
        const ParameterSpec* any = *std::find_if(specs.begin(), specs.end(), [](const ParameterSpec* s) { return s; });
        const std::vector<Node> nodes = nodes_of(key, any->type);
        bool sound = !nodes.empty();
        for (const Node& node : sound ? extremes_of(*key.values, any->type) : nodes)
            for (const ParameterSpec* spec : specs)
                sound = (!spec || checked(node, *spec, key.dotted, folder_, faults_)) && sound;
        std::vector<Setting> settings;
        for (const Node& node : nodes) {
            Setting& setting = settings.emplace_back(Setting{section_, key.key, {}, 0});
            for (const ParameterSpec* spec : specs)
                setting.values.push_back(spec && sound ? *checked(node, *spec, key.dotted, folder_, faults_)
                                                       : nlohmann::json());
        }
        return settings;
    }

    const SweepText& sweep_;
    const std::vector<Section>& sections_;
    const PluginCatalogue& catalogue_;
    const std::filesystem::path& folder_;
    Faults& faults_;
    const std::map<std::string, std::shared_ptr<const Condition>> conditions_;
    const std::map<std::string, std::vector<double>> units_;
    Space space_;
    // Of the key at hand:
    std::size_t section_ = 0;
    ParameterType type_ = ParameterType::text;
    std::optional<Domain> domain_;
    int zip_ = 0;
};

}  // namespace

Sweep make_sweep(const SweepText& text, const std::vector<Section>& sections, const PluginCatalogue& catalogue,
                 const std::filesystem::path& folder, Faults& faults) {
    return AxesMaker(text, sections, catalogue, folder, faults).make();
}

}  // namespace marginalia::config
