#include "kernel/spec/schema.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

namespace marginalia {
namespace {

constexpr std::array<std::pair<ParameterType, const char*>, 6> type_words = {{{ParameterType::boolean, "boolean"},
                                                                              {ParameterType::integer, "integer"},
                                                                              {ParameterType::number, "number"},
                                                                              {ParameterType::text, "text"},
                                                                              {ParameterType::path, "path"},
                                                                              {ParameterType::script, "script"}}};

// JSON has no infinity: an open end of a range travels as null.
nlohmann::json bound_to_json(double bound) { return std::isfinite(bound) ? nlohmann::json(bound) : nlohmann::json(); }

double bound_from_json(const nlohmann::json& bound, double open) {
    return bound.is_null() ? open : bound.get<double>();
}

}  // namespace

std::string type_name(ParameterType type) {
    for (const auto& [known, word] : type_words)
        if (known == type) return word;
    throw Error("parameter type " + std::to_string(static_cast<int>(type)) + " is unknown; rebuild the plugin");
}

static ParameterType type_of(const std::string& name) {
    for (const auto& [type, word] : type_words)
        if (name == word) return type;
    throw Error("parameter type '" + name + "' is unknown; the worker and the host are of different versions");
}

const PluginManifest* PluginCatalogue::find(std::string_view kind, std::string_view name) const {
    const auto found = std::find_if(plugins.begin(), plugins.end(),
                                    [&](const PluginManifest& p) { return p.kind == kind && p.name == name; });
    return found == plugins.end() ? nullptr : &*found;
}

std::string kind_of_table(std::string_view table) { return std::string(table == "reference" ? "sampler" : table); }

ParameterSpec describe(const Parameter& plain) {
    ParameterSpec spec;
    spec.name = plain.name;
    spec.type = plain.type;
    spec.required = plain.fallback == nullptr;
    spec.fallback = plain.fallback ? plain.fallback : "";
    spec.minimum = plain.minimum;
    spec.maximum = plain.maximum;
    spec.unit = plain.unit ? plain.unit : "";
    spec.help = plain.help ? plain.help : "";
    if (plain.absent) spec.absent = plain.absent;
    for (std::string_view rest = plain.choices ? plain.choices : ""; !rest.empty();) {
        const std::size_t bar = rest.find('|');
        spec.choices.emplace_back(rest.substr(0, bar));
        rest.remove_prefix(bar == rest.npos ? rest.size() : bar + 1);
    }
    return spec;
}

void to_json(nlohmann::json& json, const ParameterSpec& p) {
    json = {{"name", p.name},
            {"type", type_name(p.type)},
            {"required", p.required},
            {"default", p.fallback},
            {"minimum", bound_to_json(p.minimum)},
            {"maximum", bound_to_json(p.maximum)},
            {"choices", p.choices},
            {"unit", p.unit},
            {"help", p.help},
            {"absent", p.absent ? nlohmann::json(*p.absent) : nlohmann::json()}};
}

void from_json(const nlohmann::json& json, ParameterSpec& p) {
    constexpr double infinity = std::numeric_limits<double>::infinity();
    p.name = json.at("name");
    p.type = type_of(json.at("type"));
    p.required = json.at("required");
    p.fallback = json.at("default");
    p.minimum = bound_from_json(json.at("minimum"), -infinity);
    p.maximum = bound_from_json(json.at("maximum"), infinity);
    p.choices = json.at("choices");
    p.unit = json.at("unit");
    p.help = json.at("help");
    if (!json.at("absent").is_null()) p.absent = json.at("absent").get<std::string>();
}

}  // namespace marginalia
