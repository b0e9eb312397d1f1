#include "kernel/spec/identity.h"

#include <algorithm>
#include <array>
#include <utility>

#include "kernel/base/digest.h"
#include "kernel/spec/section.h"

namespace marginalia {
namespace {

constexpr std::array<std::pair<std::string_view, std::string_view>, 6> shape_nothing = {
    {{"train", "log_every"},
     {"train", "keep_state"},
     {"train", "micro_batch"},
     {"train", "deterministic"},
     {"evaluation", "every"},
     {"evaluation", "quick_samples"}}};

}  // namespace

std::string plugin_named(const nlohmann::json& table) {
    const auto name = table.is_object() ? table.find("plugin") : table.end();
    return name != table.end() && name->is_string() ? name->get<std::string>() : std::string();
}

const std::vector<ParameterSpec>* declared_by_kernel(const std::string& table, const nlohmann::json&) {
    return config::is_kernel_table(table) ? &config::kernel_parameters(table) : nullptr;
}

DeclaredOf declared_by(const PluginCatalogue& plugins) {
    return [&plugins](const std::string& table, const nlohmann::json& values) -> const std::vector<ParameterSpec>* {
        if (!config::is_plugin_table(table)) return declared_by_kernel(table, values);
        const PluginManifest* plugin = plugins.find(kind_of_table(table), plugin_named(values));
        return plugin ? &plugin->parameters : nullptr;
    };
}

bool shapes_weights(std::string_view table) { return table != "evaluation" && table != "reference"; }

std::string identity_text(const std::string& table, const nlohmann::json& values,
                          const std::vector<ParameterSpec>& declared) {
    nlohmann::json kept = values;
    if (!kept.is_object()) return kept.dump();  // of a damaged store
    for (const ParameterSpec& spec : declared)
        if (const auto found = kept.find(spec.name); spec.absent && found != kept.end() && *found == absent_value(spec))
            kept.erase(found);
    for (const auto& [owner, key] : shape_nothing)
        if (owner == table) kept.erase(std::string(key));
    if (const auto start = kept.find("start_from"); table == "train" && start != kept.end() && start->is_string())
        if (const auto text = start->get<std::string>(); text.find('@') != text.npos)
            *start = text.substr(text.find('@'));
    return kept.dump();
}

std::string identity_hash(const std::map<std::string, std::string>& texts) {
    std::string whole;
    for (const auto& [name, text] : texts) whole += (whole.empty() ? "{\"" : ",\"") + name + "\":" + text;
    return sha256_hex(whole + "}").substr(0, 16);
}

SplitConfig split_config(const nlohmann::json& whole, const DeclaredOf& declared) {
    static const std::vector<ParameterSpec> nothing;
    SplitConfig split{nlohmann::json::object(), nlohmann::json::object(), {}, {}};
    std::map<std::string, std::string> training, evaluation;
    for (const auto& [table, values] : whole.items()) {
        const bool shapes = shapes_weights(table);
        const std::vector<ParameterSpec>* known = declared(table, values);
        (shapes ? training : evaluation)[table] = identity_text(table, values, known ? *known : nothing);
        (shapes ? split.training : split.evaluation)[table] = values;
    }
    split.hash = identity_hash(training);
    split.evaluation_hash = identity_hash(evaluation);
    return split;
}

SplitConfig OldConfigs::split(nlohmann::json whole) {
    const std::string then = sha256_hex(whole.dump()).substr(0, 16);
    const nlohmann::json::json_pointer place("/train/start_from");
    if (whole.contains(place) && whole[place].is_string()) {
        const std::string start = whole[place];
        const std::size_t at = start.find('@');
        const auto now = at == start.npos ? hashes_.end() : hashes_.find(start.substr(at + 1));
        if (now != hashes_.end()) whole[place] = start.substr(0, at + 1) + now->second;
    }
    SplitConfig split = split_config(whole);
    hashes_[then] = split.hash;
    return split;
}

}  // namespace marginalia
