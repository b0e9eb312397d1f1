#include "kernel/spec/condition.h"

#include <algorithm>
#include <optional>
#include <set>

#include "kernel/spec/nearest.h"
#include "kernel/spec/plugin_choice.h"
#include "kernel/spec/sweep.h"
#include "kernel/spec/value.h"

namespace marginalia::config {
namespace {

const std::vector<std::string> bound_names = {"above", "below", "at_least", "at_most"};

// Reads one table of keys and what they are to be.
class ConditionReader {
public:
    ConditionReader(const std::vector<Section>& sections, const PluginCatalogue& catalogue,
                    const std::filesystem::path& folder, Faults& faults)
        : sections_(sections), catalogue_(catalogue), folder_(folder), faults_(faults) {}

    Condition read(const Node& table, const std::string& what) {
        Condition condition;
        if (table.children.empty())
            faults_.add(table.place, what + " names no key; write for example \"train.schedule\" = \"cosine\"");
        for (const Node& child : table.children)
            if (auto test = read_test(child)) condition.push_back(std::move(*test));
        return condition;
    }

private:
    std::optional<Test> read_test(const Node& child) {
        const auto key = split_key(child, faults_);
        if (!key) return std::nullopt;
        const Section* section = find_section(sections_, key->section);
        if (!section)
            faults_.add(key->place, "a condition is about '" + key->dotted + "', but the file has no table [" +
                                        key->section + "]; add it, or remove the condition");
        if (!section || !section->complete) return std::nullopt;
        Test test{key->dotted, static_cast<std::size_t>(section - sections_.data()), key->plugin, key->key, {}, {}};
        if (key->is_plugin_choice()) return read_plugins(child, *section, std::move(test));
        const ParameterSpec* spec = spec_of(*key, *section);
        if (!spec) return std::nullopt;
        const bool sound = child.is_table() ? read_bounds(child, *spec, test) : read_values(child, *spec, test);
        return sound ? std::optional(std::move(test)) : std::nullopt;
    }

    // A plugin of the catalogue that the sweep does not try, as after an override, makes a test that never holds.
    std::optional<Test> read_plugins(const Node& child, const Section& section, Test test) {
        for (const Node& name : items_of(child)) {
            const bool none =
                is_optional_table(section.name) && name.kind == Node::Kind::text && name.scalar == no_plugin;
            if (none) test.values.push_back(no_plugin);
            else if (const PluginManifest* plugin = choose_plugin(section.name, name, catalogue_, faults_))
                test.values.push_back(plugin->name);
        }
        return test.values.empty() ? std::nullopt : std::optional(std::move(test));
    }

    const ParameterSpec* spec_of(const SweptKey& key, const Section& section) {
        std::vector<std::string> names;
        std::vector<const std::vector<ParameterSpec>*> declared;
        if (key.plugin.empty())
            for (const Candidate& candidate : section.candidates) declared.push_back(candidate.parameters);
        else if (const PluginManifest* plugin = catalogue_.find(section.kind, key.plugin))
            declared.push_back(&plugin->parameters);
        for (const auto* parameters : declared) {
            if (const ParameterSpec* spec = find_parameter(*parameters, key.key)) return spec;
            for (const std::string& name : names_of(*parameters))
                if (!contains(names, name)) names.push_back(name);
        }
        if (declared.empty())
            faults_.add(key.place, "a condition is about '" + key.dotted + "', but there is no " + section.kind +
                                       " plugin '" + key.plugin + "'" +
                                       suggestion(key.plugin, plugin_names(catalogue_, section.kind),
                                                  "The " + section.kind + " plugins"));
        else
            faults_.add(key.place, "a condition is about the unknown key '" + key.dotted + "'" +
                                       suggestion(key.key, names, "Keys of [" + key.section + "]"));
        return nullptr;
    }

    static std::vector<Node> items_of(const Node& child) {
        return child.is_list() ? child.children : std::vector<Node>{child};
    }

    bool read_values(const Node& child, const ParameterSpec& spec, Test& test) {
        if (child.is_list() && child.children.empty())
            faults_.add(child.place,
                        "the list of '" + child.key + "' in a condition is empty; give at least one value");
        bool sound = true;
        for (const Node& item : items_of(child)) {
            auto value = checked(item, spec, child.key, folder_, faults_);
            sound = sound && value;
            if (value) test.values.push_back(std::move(*value));
        }
        return sound && !test.values.empty();
    }

    bool read_bounds(const Node& table, const ParameterSpec& spec, Test& test) {
        const auto fail = [&](const Node& at, const std::string& sentence) {
            faults_.add(at.place, sentence);
            return false;
        };
        if (spec.type != ParameterType::integer && spec.type != ParameterType::number)
            return fail(table, "'" + table.key + "' is a " + type_name(spec.type) +
                                   " and cannot be compared; give a value or a list of values");
        if (table.children.empty())
            return fail(table, "'" + table.key + "' is compared with nothing; write for example { above = 1 }");
        for (const Node& bound : table.children) {
            if (!contains(bound_names, bound.key)) {
                faults_.add(bound.key_place, "'" + table.key + "' cannot be compared by '" + bound.key + "'" +
                                                 suggestion(bound.key, bound_names, "Allowed"));
                return false;
            }
            if (bound.kind != Node::Kind::integer && bound.kind != Node::Kind::number)
                return fail(bound,
                            "'" + bound.key + "' of '" + table.key + "' must be a number, not " + described(bound));
            test.bounds.emplace_back(bound.key, bound.scalar.get<double>());
        }
        return true;
    }

    const std::vector<Section>& sections_;
    const PluginCatalogue& catalogue_;
    const std::filesystem::path& folder_;
    Faults& faults_;
};

// A trial in which the condition does not hold needs a value of its own.
bool has_value_besides(const SweptKey& key, const Section& section) {
    return std::all_of(section.candidates.begin(), section.candidates.end(), [&](const Candidate& candidate) {
        const bool has = find_parameter(*candidate.parameters, key.key) &&
                         (key.plugin.empty() || (candidate.plugin && candidate.plugin->name == key.plugin));
        return candidate.is_none() || !has || candidate.values.contains(key.key);
    });
}

// Reads [sweep.when].
class WhenReader {
public:
    WhenReader(const SweepText& sweep, const std::vector<Section>& sections, ConditionReader conditions, Faults& faults)
        : sections_(sections), conditions_(conditions), faults_(faults) {
        for (const SweptKey* key : sweep.keys()) swept_.push_back(key->dotted);
    }

    std::map<std::string, std::shared_ptr<const Condition>> read(const Node& when) {
        std::map<std::string, std::shared_ptr<const Condition>> conditions;
        for (const Node& child : when.children) {
            const auto key = split_key(child, faults_);
            if (!key || !may_have_one(*key, child)) continue;
            auto condition =
                std::make_shared<Condition>(conditions_.read(child, "the condition of '" + key->dotted + "'"));
            check_circle(*key, *condition);
            conditions[key->dotted] = std::move(condition);
        }
        return conditions;
    }

private:
    bool may_have_one(const SweptKey& key, const Node& child) {
        const std::string name = "'" + key.dotted + "'";
        const Section* section = find_section(sections_, key.section);
        std::string fault;
        if (!contains(swept_, key.dotted))
            fault = name + " has a condition in [sweep.when], but is not swept" +
                    suggestion(key.dotted, swept_, "Swept keys");
        else if (key.is_plugin_choice())
            fault = name + " can have no condition; let it move together with the other key in a [[sweep.zip]]";
        else if (!child.is_table())
            fault = "the condition of " + name + " must be a table of other keys and what they are, such as { " +
                    "\"train.schedule\" = \"cosine\" }, not " + described(child);
        else if (section && section->complete && !has_value_besides(key, *section))
            fault = name + " has a condition, and [" + key.section + "] gives it no value for the trials in which " +
                    "that does not hold; add one there";
        if (!fault.empty()) faults_.add(key.place, fault);
        return fault.empty();
    }

    // Which plugin has the key makes no difference to a circle.
    void check_circle(const SweptKey& key, const Condition& condition) {
        const std::string name = key.section + "." + key.key;
        for (const Test& test : condition) about_[name].insert(sections_[test.section].name + "." + test.key);
        std::set<std::string> seen;
        if (leads_to(name, name, seen))
            faults_.add(key.place,
                        "the condition of '" + key.dotted + "' leads back to that key; remove one of the conditions");
    }

    bool leads_to(const std::string& from, const std::string& to, std::set<std::string>& seen) const {
        const auto next = about_.find(from);
        return next != about_.end() &&
               std::any_of(next->second.begin(), next->second.end(), [&](const std::string& key) {
                   return key == to || (seen.insert(key).second && leads_to(key, to, seen));
               });
    }

    const std::vector<Section>& sections_;
    ConditionReader conditions_;
    Faults& faults_;
    std::vector<std::string> swept_;
    std::map<std::string, std::set<std::string>> about_;  // the keys that a key's condition is about
};

}  // namespace

bool Test::accepts(const nlohmann::json& value) const {
    if (bounds.empty()) return std::find(values.begin(), values.end(), value) != values.end();
    return value.is_number() && std::all_of(bounds.begin(), bounds.end(), [&](const auto& bound) {
               const double number = value.get<double>();
               const auto& [name, limit] = bound;
               if (name == "above") return number > limit;
               if (name == "below") return number < limit;
               return name == "at_least" ? number >= limit : number <= limit;
           });
}

nlohmann::json json_of(const Condition& condition) {
    nlohmann::json json = nlohmann::json::object();
    for (const Test& test : condition) {
        if (test.bounds.empty()) json[test.dotted] = test.values;
        for (const auto& [name, limit] : test.bounds) json[test.dotted][name] = limit;
    }
    return json;
}

std::map<std::string, std::shared_ptr<const Condition>> read_conditions(const SweepText& sweep,
                                                                        const std::vector<Section>& sections,
                                                                        const PluginCatalogue& catalogue,
                                                                        const std::filesystem::path& folder,
                                                                        Faults& faults) {
    if (!sweep.when) return {};
    return WhenReader(sweep, sections, ConditionReader(sections, catalogue, folder, faults), faults).read(*sweep.when);
}

std::vector<Exclude> read_excludes(const SweepText& sweep, const std::vector<Section>& sections,
                                   const PluginCatalogue& catalogue, const std::filesystem::path& folder,
                                   Faults& faults) {
    std::vector<Exclude> excludes;
    ConditionReader reader(sections, catalogue, folder, faults);
    for (const Node* table : sweep.excludes)
        excludes.push_back({reader.read(*table, "[[sweep.exclude]]"), table->place});
    return excludes;
}

}  // namespace marginalia::config
