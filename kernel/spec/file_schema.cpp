#include "kernel/spec/file_schema.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "kernel/spec/draws.h"
#include "kernel/spec/section.h"
#include "kernel/spec/stage1.h"

namespace marginalia {
namespace config {
namespace {

using nlohmann::json;

const char* json_type(ParameterType type) {
    switch (type) {
        case ParameterType::boolean: return "boolean";
        case ParameterType::integer: return "integer";
        case ParameterType::number: return "number";
        case ParameterType::text:
        case ParameterType::path:
        case ParameterType::script: return "string";
    }
    return "string";
}

// Whole bounds without ".0", as editors show them.
json bound(double value) {
    return value == std::floor(value) && std::abs(value) < 1e15 ? json(static_cast<std::int64_t>(value)) : json(value);
}

std::string help_of(const ParameterSpec& spec) {
    return spec.unit.empty() ? spec.help : spec.help + (spec.help.empty() ? "[" : " [") + spec.unit + "]";
}

json value_schema(const ParameterSpec& spec) {
    json schema = {{"type", json_type(spec.type)}};
    if (const std::string help = help_of(spec); !help.empty()) schema["description"] = help;
    if (std::isfinite(spec.minimum)) schema["minimum"] = bound(spec.minimum);
    if (std::isfinite(spec.maximum)) schema["maximum"] = bound(spec.maximum);
    if (!spec.choices.empty()) schema["enum"] = spec.choices;
    try {
        if (!spec.required) schema["default"] = default_value(spec);
    } catch (const Error&) {  // a fault of the plugin, which whoever uses it is shown
    }
    return schema;
}

json object(json properties, const std::string& description = "") {
    json schema = {{"type", "object"}, {"properties", std::move(properties)}, {"additionalProperties", false}};
    if (!description.empty()) schema["description"] = description;
    return schema;
}

json list_of(json items) { return {{"type", "array"}, {"minItems", 1}, {"items", std::move(items)}}; }
json text(const char* description) { return {{"type", "string"}, {"description", description}}; }
json with_help(json schema, const char* help) {
    schema["description"] = help;
    return schema;
}

json reference(const std::string& to) { return {{"$ref", "#/" + to}}; }
json any_of(std::vector<json> schemas) {
    return schemas.size() == 1 ? schemas.front() : json{{"anyOf", std::move(schemas)}};
}

class SchemaMaker {
public:
    explicit SchemaMaker(const PluginCatalogue& catalogue) : catalogue_(catalogue) {}

    json make() {
        define_plugins();
        json properties = at_the_top();
        for (const std::string& table : plugin_tables()) properties[table] = plugin_table(table);
        for (const std::string& table : kernel_tables()) properties[table] = kernel_table(table);
        properties[stage1_table] = stage1();
        properties["sweep"] = sweep();
        properties["table"] = paper_table();
        json schema = object(std::move(properties));
        schema["$schema"] = "http://json-schema.org/draft-07/schema#";
        schema["title"] = "marginalia experiment file";
        schema["definitions"] = std::move(definitions_);
        return schema;
    }

private:
    static json at_the_top() {
        json name = text("name of the experiment in the store");
        name["pattern"] = "^[A-Za-z0-9_][A-Za-z0-9._-]*$";
        name["maxLength"] = 200;
        json seeds = list_of({{"type", "integer"}, {"minimum", 0}});
        seeds["uniqueItems"] = true;
        seeds["description"] = "one trial for each";
        return {{"name", std::move(name)},
                {"extends", text("another experiment file, on which this one builds")},
                {"description", text("a note for people")},
                {"seeds", std::move(seeds)}};
    }

    // Calls use(plugin) for those that the table may name.
    template <class Use>
    void for_plugins(const std::string& table, Use use) const {
        for (const PluginManifest& plugin : catalogue_.plugins)
            if (plugin.kind == kind_of_table(table)) use(plugin);
    }

    // Parameters of a plugin alone: what [network.mlp] may say.
    static std::string definition(const PluginManifest& plugin) {
        return "definitions/" + plugin.kind + "." + plugin.name;
    }

    void define_plugins() {
        for (const PluginManifest& plugin : catalogue_.plugins) {
            json properties = json::object();
            for (const ParameterSpec& spec : plugin.parameters) properties[spec.name] = value_schema(spec);
            definitions_[plugin.kind + "." + plugin.name] = object(std::move(properties), plugin.summary);
        }
    }

    // What a table's keys may be, by the plugins that have them; declarations that are equal count once.
    std::map<std::string, std::vector<json>> variants_of(const std::string& table) const {
        std::map<std::string, std::vector<json>> variants;
        std::map<std::string, std::vector<json>> seen;
        for_plugins(table, [&](const PluginManifest& plugin) {
            for (const ParameterSpec& spec : plugin.parameters) {
                const json schema = value_schema(spec);
                std::vector<json>& known = seen[spec.name];
                if (std::find(known.begin(), known.end(), schema) != known.end()) continue;
                known.push_back(schema);
                variants[spec.name].push_back(reference(definition(plugin) + "/properties/" + spec.name));
            }
        });
        return variants;
    }

    json plugin_choice(const std::string& table) const {
        std::vector<std::string> names = plugin_names(catalogue_, kind_of_table(table));
        if (is_optional_table(table)) names.push_back(no_plugin);
        return {{"type", "string"}, {"enum", names}, {"description", "the " + kind_of_table(table) + " plugin"}};
    }

    // A table that names its plugin has that plugin's keys alone; without a name, a sweep or another file says which.
    json plugin_table(const std::string& table) const {
        const auto variants = variants_of(table);
        json properties = {{"plugin", plugin_choice(table)}}, by_plugin = json::array();
        std::vector<std::string> own_tables;
        for (const auto& [key, schemas] : variants) properties[key] = any_of(schemas);
        for_plugins(table, [&](const PluginManifest& plugin) {
            if (properties.contains(plugin.name)) return;  // the key of a parameter goes first
            properties[plugin.name] = reference(definition(plugin));
            own_tables.push_back(plugin.name);
        });
        for_plugins(table, [&](const PluginManifest& plugin) {
            std::vector<std::string> keys = names_of(plugin.parameters);
            json exact = json::object();
            for (const std::string& key : keys)
                if (variants.at(key).size() > 1) exact[key] = reference(definition(plugin) + "/properties/" + key);
            keys.push_back("plugin");
            keys.insert(keys.end(), own_tables.begin(), own_tables.end());
            by_plugin.push_back(
                {{"if", {{"properties", {{"plugin", {{"const", plugin.name}}}}}, {"required", {"plugin"}}}},
                 {"then", {{"properties", exact}, {"propertyNames", {{"enum", keys}}}}}});
        });
        json schema = object(std::move(properties));
        if (!by_plugin.empty()) schema["allOf"] = std::move(by_plugin);
        return schema;
    }

    static json kernel_table(const std::string& table) {
        json properties = json::object();
        for (const ParameterSpec& spec : kernel_parameters(table)) properties[spec.name] = value_schema(spec);
        return object(std::move(properties));
    }

    json stage1() const {
        json properties = {{"name", text("name of the first stage's experiment")},
                           {"objectives", list_of({{"enum", plugin_names(catalogue_, "objective")}})}};
        for (const std::string& table : stage1_tables()) properties[table] = reference("properties/" + table);
        return object(std::move(properties), "what is trained first");
    }

    // Values of a swept key: a list, or a table that describes them, whose keys are judged there: Tombi takes what is
    // silent about additional properties for a refusal.
    static json axis(std::vector<json> values, const std::string& help) {
        json schema = {{"allOf", {reference("definitions/sweep-values")}},
                       {"items", any_of(std::move(values))},
                       {"additionalProperties", true}};
        if (!help.empty()) schema["description"] = help;
        return schema;
    }

    // Adds what may be swept of a table: dotted keys to `dotted`, and the same as tables within tables.
    void add_axes(const std::string& table, json& dotted, json& nested) {
        json keys = json::object();
        const std::string place = "definitions/sweep." + table;
        const auto add = [&](json& into, const std::string& own, const std::string& key, json schema) {
            into[key] = std::move(schema);
            const std::string path = own.empty() ? "/properties/" + key : "/properties/" + own + "/properties/" + key;
            (own.empty() ? keys_ : own_keys_).push_back(table + "." + (own.empty() ? "" : own + ".") + key);
            dotted[table + "." + (own.empty() ? "" : own + ".") + key] = reference(place + path);
        };
        if (is_kernel_table(table)) {
            for (const ParameterSpec& spec : kernel_parameters(table))
                add(keys, "", spec.name,
                    axis({reference("properties/" + table + "/properties/" + spec.name)}, help_of(spec)));
        } else {
            add(keys, "", "plugin", axis({plugin_choice(table)}, "the plugins to try"));
            for (const auto& [key, schemas] : variants_of(table)) add(keys, "", key, axis(schemas, ""));
            for_plugins(table, [&](const PluginManifest& plugin) {
                if (keys.contains(plugin.name)) return;
                json own = json::object();
                for (const ParameterSpec& spec : plugin.parameters)
                    add(own, plugin.name, spec.name,
                        axis({reference(definition(plugin) + "/properties/" + spec.name)}, help_of(spec)));
                keys[plugin.name] = object(std::move(own));
            });
        }
        definitions_["sweep." + table] = object(std::move(keys));
        nested[table] = reference(place);
    }

    json sweep() {
        const json pair = {{"type", "array"}, {"items", {{"type", "number"}}}, {"minItems", 2}, {"maxItems", 2}};
        json values = object({{"lin", pair},
                              {"log", pair},
                              {"n", {{"type", "integer"}, {"minimum", 1}, {"maximum", 100000}}},
                              {"step", {{"type", "number"}, {"exclusiveMinimum", 0}}},
                              {"random", pair},
                              {"random_log", pair},
                              {"choice", list_of(json::object())}});
        values["type"] = {"array", "object"};
        values["minItems"] = 1;
        definitions_["sweep-values"] = std::move(values);
        json axes = json::object(), tables = json::object();
        for (const std::string& table : swept_tables()) add_axes(table, axes, tables);
        axes.update(tables);
        const json zip = object(axes, "lists that move together");
        axes["zip"] = any_of({zip, list_of(zip)});
        const json count = {{"type", "integer"}, {"minimum", 1}, {"maximum", 100000}};
        axes["samples"] = with_help(count, "how many draws");
        axes["seed"] = {{"type", "integer"}, {"minimum", 0}, {"description", "of the draws"}};
        axes["draws"] = {{"enum", draw_methods()}, {"description", "how drawn keys are drawn"}};
        axes["strata"] = with_help(count, "of a Latin hypercube: the first so many draws are one");
        axes["dimensions"] = with_help(list_of({{"type", "string"}}), "of Sobol points: drawn keys in their order");
        const json condition = with_help(by_key(true), "key = value, list of values or { above = 1 }");
        axes["exclude"] = any_of({condition, list_of(condition)});
        axes["when"] = with_help(by_key(true), "key = where it is swept: a condition");
        axes["when"]["additionalProperties"] = {{"type", "object"}};
        return object(std::move(axes), "values that are tried: lists, ranges, draws");
    }

    // Tables of values by config key: dotted, or as tables within tables. `own`: of plugins' own parameters too.
    json by_key(bool own) const {
        std::vector<std::string> names = keys_;
        if (own) names.insert(names.end(), own_keys_.begin(), own_keys_.end());
        names.insert(names.end(), swept_tables().begin(), swept_tables().end());
        return {{"type", "object"}, {"propertyNames", {{"enum", std::move(names)}}}, {"additionalProperties", true}};
    }

    json paper_table() const {
        const json by_column = {{"type", "object"}, {"additionalProperties", {{"type", "number"}}}};
        const json number = {{"type", "number"}};
        const json figure = {
            {"anyOf", {number, {{"type", "array"}, {"items", number}, {"minItems", 2}, {"maxItems", 2}}}}};
        const json row = object({{"label", text("name of the method")},
                                 {"target", text("rows of one target stand together under it")},
                                 {"where", with_help(by_key(false), "config key = value, or a list of them")},
                                 {"published", {{"type", "object"}, {"additionalProperties", figure}}},
                                 {"experiment", text("another experiment in the same store")},
                                 {"metrics", {{"type", "object"}, {"additionalProperties", {{"type", "string"}}}}},
                                 {"cite", text("where the published figures stand, of a method that is not run here")},
                                 {"hardware", text("on which the published figures were made")},
                                 {"second_hand", {{"type", "boolean"}}}});
        return object({{"title", text("stands above the table")},
                       {"columns", list_of({{"type", "string"}})},
                       {"limits", by_column},
                       {"note", text("one line below the table")},
                       {"rows", list_of(row)}},
                      "how results are printed beside published ones");
    }

    const PluginCatalogue& catalogue_;
    json definitions_ = json::object();
    std::vector<std::string> keys_, own_keys_;  // "train.steps", "network.mlp.hidden"
};

}  // namespace
}  // namespace config

nlohmann::json file_schema(const PluginCatalogue& plugins) { return config::SchemaMaker(plugins).make(); }

}  // namespace marginalia
