#include "kernel/spec/section.h"

#include <algorithm>

#include "kernel/spec/nearest.h"
#include "kernel/spec/plugin_choice.h"
#include "kernel/spec/value.h"

namespace marginalia::config {
namespace {

const std::vector<ParameterSpec> no_parameters;

// Reads one table; its members are what every step of that needs.
class SectionReader {
public:
    SectionReader(const std::string& name, const Node* table, const SweptHere& swept, const PluginCatalogue& catalogue,
                  const std::filesystem::path& folder, Faults& faults)
        : table_(table), swept_(swept), catalogue_(catalogue), folder_(folder), faults_(faults) {
        section_.name = name;
        section_.kind = kind_of_table(name);
        if (table) section_.place = table->place;
    }

    Section read() {
        find_candidates();
        for (Candidate& candidate : section_.candidates) fill_defaults(candidate);
        if (table_)
            for (const Node& child : table_->children) read_child(child);
        if (!section_.complete) return std::move(section_);
        for (const Candidate& candidate : section_.candidates) require(candidate);
        return std::move(section_);
    }

private:
    void find_candidates() {
        if (is_kernel_table(section_.name)) {
            section_.candidates.push_back({nullptr, &kernel_parameters(section_.name), nlohmann::json::object(), {}});
            return;
        }
        std::vector<const Node*> names = swept_.plugins;
        const Node* named = table_ ? table_->find("plugin") : nullptr;
        if (names.empty() && named) names.push_back(named);
        if (names.empty()) {
            faults_.add(section_.place, "[" + section_.name +
                                            "] does not say which plugin: add plugin = \"NAME\". The " + section_.kind +
                                            " plugins: " + listed(plugin_names(catalogue_, section_.kind)));
            section_.complete = false;
        }
        for (const Node* name : names) add_candidate(*name);
    }

    void add_candidate(const Node& name) {
        if (is_optional_table(section_.name) && name.kind == Node::Kind::text && name.scalar == no_plugin) {
            const bool known = std::any_of(section_.candidates.begin(), section_.candidates.end(),
                                           [](const Candidate& c) { return c.is_none(); });
            if (!known) section_.candidates.push_back({nullptr, &no_parameters, nullptr, {}, name.place});
            return;
        }
        const PluginManifest* plugin = choose_plugin(section_.name, name, catalogue_, faults_);
        if (!plugin) {
            section_.complete = false;
            return;
        }
        for (const Candidate& known : section_.candidates)
            if (known.plugin == plugin) return;
        section_.candidates.push_back({plugin, &plugin->parameters, {{"plugin", plugin->name}}, {}, name.place});
    }

    void fill_defaults(Candidate& candidate) {
        for (const ParameterSpec& spec : *candidate.parameters) {
            try {
                if (spec.absent) absent_value(spec);
                if (spec.required) continue;
                nlohmann::json value = default_value(spec);
                const bool given = names_file(spec.type) && !value.get<std::string>().empty();
                candidate.values[spec.name] =
                    given ? nlohmann::json((folder_ / value.get<std::string>()).lexically_normal().string()) : value;
            } catch (const Error& error) {
                faults_.add_plugin(section_.place, "the " + section_.kind + " plugin '" + candidate.plugin->name +
                                                       "' cannot be used: " + error.what() + "; mend the plugin");
            }
        }
    }

    bool declared_by_any(const std::string& key) const {
        return std::any_of(section_.candidates.begin(), section_.candidates.end(),
                           [&](const Candidate& c) { return find_parameter(*c.parameters, key); });
    }

    bool only_none() const {
        return !section_.candidates.empty() && std::all_of(section_.candidates.begin(), section_.candidates.end(),
                                                           [](const Candidate& c) { return c.is_none(); });
    }

    void read_child(const Node& child) {
        const bool names_plugin = is_plugin_table(section_.name);
        if (names_plugin && child.key == "plugin") return;
        if (names_plugin && child.is_table() && !declared_by_any(child.key)) return read_own(child);
        if (!section_.complete && !declared_by_any(child.key)) return;
        if (only_none()) return;
        if (!declared_by_any(child.key)) return unknown(child);
        for (Candidate& candidate : section_.candidates) {
            if (candidate.is_none()) continue;
            if (const ParameterSpec* spec = find_parameter(*candidate.parameters, child.key))
                set(candidate, *spec, child);
            else faults_.add(child.key_place, not_for_all(child.key, candidate));
        }
    }

    void set(Candidate& candidate, const ParameterSpec& spec, const Node& child) {
        const auto value = checked(child, spec, section_.name + "." + spec.name, folder_, faults_);
        if (!candidate.own.contains(spec.name)) candidate.values[spec.name] = value.value_or(nullptr);
        if (candidate.plugin) refuse_hidden(candidate, child);
    }

    // A value from the command line must not be silently hidden by one in a plugin's own sub-table.
    void refuse_hidden(const Candidate& candidate, const Node& child) {
        const Node* own_table = table_->find(candidate.plugin->name);
        const Node* own = own_table ? own_table->find(child.key) : nullptr;
        if (own && child.place.source > 0 && own->place.source == 0)
            faults_.add(child.place, "[" + section_.name + "." + candidate.plugin->name + "] of the file gives '" +
                                         child.key + "' as well, which goes first; override '" + section_.name + "." +
                                         candidate.plugin->name + "." + child.key + "' instead");
    }

    // [network.mlp]: parameters of that plugin only, whether or not this experiment uses it.
    void read_own(const Node& own) {
        const PluginManifest* plugin = catalogue_.find(section_.kind, own.key);
        if (!plugin) {
            faults_.add(
                own.key_place,
                "[" + section_.name + "." + own.key + "] is the table of no " + section_.kind + " plugin" +
                    suggestion(own.key, plugin_names(catalogue_, section_.kind), "The " + section_.kind + " plugins"));
            return;
        }
        const auto candidate = std::find_if(section_.candidates.begin(), section_.candidates.end(),
                                            [&](const Candidate& c) { return c.plugin == plugin; });
        const std::string name = section_.name + "." + own.key;
        for (const Node& child : own.children) {
            const ParameterSpec* spec = find_parameter(plugin->parameters, child.key);
            if (!spec) {
                faults_.add(child.key_place, unknown_key(child.key, name, names_of(plugin->parameters),
                                                         "Parameters of " + section_.kind + " '" + own.key + "'"));
                continue;
            }
            const auto value = checked(child, *spec, name + "." + spec->name, folder_, faults_);
            if (candidate == section_.candidates.end()) continue;
            candidate->values[spec->name] = value.value_or(nullptr);
            candidate->own.insert(spec->name);
        }
    }

    void unknown(const Node& child) {
        std::vector<std::string> allowed;
        std::string owners;
        for (const Candidate& candidate : section_.candidates) {
            for (const std::string& name : names_of(*candidate.parameters))
                if (!contains(allowed, name)) allowed.push_back(name);
            if (candidate.plugin) owners += (owners.empty() ? "'" : " and '") + candidate.plugin->name + "'";
        }
        const std::string label =
            owners.empty() ? "Keys of [" + section_.name + "]" : "Parameters of " + section_.kind + " " + owners;
        std::string fault = unknown_key(child.key, section_.name, allowed, label);
        const Node* named = table_->find("plugin");
        if (named && named->place.source > 0 && child.place.source == 0)
            fault += "; to drop it for this plugin, add the override ~" + section_.name + "." + child.key;
        faults_.add(child.key_place, std::move(fault));
    }

    std::string not_for_all(const std::string& key, const Candidate& without) const {
        std::string homes;
        for (const Candidate& candidate : section_.candidates)
            if (find_parameter(*candidate.parameters, key))
                homes += (homes.empty() ? "[" : " or [") + section_.name + "." + candidate.plugin->name + "]";
        return section_.kind + " '" + without.plugin->name + "' has no parameter '" + key + "', but [" + section_.name +
               "] gives it to every plugin of the sweep; move it to " + homes;
    }

    void require(const Candidate& candidate) {
        for (const ParameterSpec& spec : *candidate.parameters) {
            const std::string own = candidate.plugin ? candidate.plugin->name + "." + spec.name : spec.name;
            if (candidate.values.contains(spec.name) || swept_.keys.contains(spec.name) || swept_.keys.contains(own))
                continue;
            if (!spec.required) continue;  // its default is wrong, which has been told
            std::string fault = "[" + section_.name + "] lacks '" + spec.name + "', which " + section_.kind + " '" +
                                candidate.plugin->name + "' requires: " + type_name(spec.type);
            if (const std::string range = range_text(spec); !range.empty()) fault += ' ' + range;
            if (!spec.help.empty()) fault.append(", ").append(spec.help);
            faults_.add(section_.place, std::move(fault));
        }
    }

    const Node* table_;
    const SweptHere& swept_;
    const PluginCatalogue& catalogue_;
    const std::filesystem::path& folder_;
    Faults& faults_;
    Section section_;
};

}  // namespace

const Section* find_section(const std::vector<Section>& sections, std::string_view name) {
    const auto found = std::find_if(sections.begin(), sections.end(), [&](const Section& s) { return s.name == name; });
    return found == sections.end() ? nullptr : &*found;
}

Section read_section(const std::string& name, const Node* table, const SweptHere& swept,
                     const PluginCatalogue& catalogue, const std::filesystem::path& folder, Faults& faults) {
    return SectionReader(name, table, swept, catalogue, folder, faults).read();
}

}  // namespace marginalia::config
