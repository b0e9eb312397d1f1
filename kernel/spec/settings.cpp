#include "kernel/spec/settings.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <type_traits>

#include <marginalia/lists.h>

#include "kernel/spec/section.h"
#include "kernel/spec/stop_settings.h"
#include "kernel/spec/toml_text.h"
#include "kernel/spec/value.h"

namespace marginalia {
namespace {

template <class Value>
constexpr ParameterType type_of_value = std::is_same_v<Value, bool>           ? ParameterType::boolean
                                        : std::is_same_v<Value, std::int64_t> ? ParameterType::integer
                                        : std::is_same_v<Value, double>       ? ParameterType::number
                                                                              : ParameterType::text;

std::string toml_of(bool value) { return value ? "true" : "false"; }
std::string toml_of(const std::string& value) { return config::toml_scalar(value); }
template <class Number>
std::string toml_of(Number value) {
    char text[32];
    return {text, std::to_chars(text, text + sizeof text, value).ptr};
}

template <class Settings>
ParameterSpec described(const Field<Settings>& field) {
    return std::visit(
        [&]<class Value>(Value Settings::* member) {
            const std::string fallback = toml_of(Settings{}.*member);
            return describe({.name = field.name,
                             .type = type_of_value<Value>,
                             .fallback = fallback.c_str(),
                             .minimum = field.allowed.minimum,
                             .maximum = field.allowed.maximum,
                             .choices = field.allowed.choices,
                             .unit = field.unit,
                             .help = field.help,
                             .absent = field.absent});
        },
        field.member);
}

template <class Settings, std::size_t N>
std::vector<ParameterSpec> described(const Field<Settings> (&fields)[N]) {
    std::vector<ParameterSpec> specs;
    for (const auto& field : fields) specs.push_back(described(field));
    return specs;
}

[[noreturn]] void refuse(const std::string& what) {
    throw Error("the trial's settings are not what this version expects: " + what + "; run its file again");
}

const nlohmann::json& table_of(const nlohmann::json& config, const std::string& name) {
    const auto found = config.find(name);
    if (found == config.end()) refuse("there is no [" + name + "]");
    return *found;
}

template <class Settings, std::size_t N>
void write_fields(nlohmann::json& json, const Settings& settings, const Field<Settings> (&fields)[N]) {
    json = nlohmann::json::object();
    for (const auto& field : fields)
        std::visit([&](auto member) { json[field.name] = settings.*member; }, field.member);
}

template <class Settings, std::size_t N>
void read_fields(const nlohmann::json& json, Settings& settings, const Field<Settings> (&fields)[N],
                 const std::string& table) {
    if (!json.is_object()) refuse("[" + table + "] is not a table");
    settings = {};
    auto spec = config::kernel_parameters(table).begin();
    for (const auto& field : fields) {
        const std::string name = table + "." + field.name;
        const auto value = json.find(field.name);
        const ParameterSpec& declared = *spec++;
        if (value == json.end()) continue;  // the key came later than the config
        if (const std::string fault = config::fault_of(*value, declared, name); !fault.empty()) refuse(fault);
        std::visit([&](auto member) { value->get_to(settings.*member); }, field.member);
    }
}

}  // namespace

const std::vector<ParameterSpec>& train_parameters() {
    static const std::vector<ParameterSpec> specs = described(train_fields);
    return specs;
}

const std::vector<ParameterSpec>& evaluation_parameters() {
    static const std::vector<ParameterSpec> specs = described(evaluation_fields);
    return specs;
}

const std::vector<ParameterSpec>& run_parameters() {
    static const std::vector<ParameterSpec> specs = described(run_fields);
    return specs;
}

const std::vector<ParameterSpec>& hook_parameters() {
    static const std::vector<ParameterSpec> specs = described(hook_fields);
    return specs;
}

const std::vector<ParameterSpec>& resource_parameters() {
    static const std::vector<ParameterSpec> specs = described(resource_fields);
    return specs;
}

const std::vector<ParameterSpec>& stop_parameters() {
    static const std::vector<ParameterSpec> specs = described(stop_fields);
    return specs;
}

const std::vector<ParameterSpec>& slurm_parameters() {
    static const std::vector<ParameterSpec> specs = described(slurm_fields);
    return specs;
}

std::optional<std::int64_t> bytes_of(std::string_view text) {
    text = trim_blanks(text);
    if (text.empty()) return 0;
    double number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    const std::string_view unit = trim_blanks(text.substr(static_cast<std::size_t>(end - text.data())));
    constexpr std::string_view prefixes = "KMGT";
    const bool binary = unit.size() == 3 && unit.substr(1) == "iB", decimal = unit.size() == 2 && unit[1] == 'B';
    const std::size_t power = unit.empty() ? prefixes.npos : prefixes.find(unit[0] == 'k' ? 'K' : unit[0]);
    if (error != std::errc() || !(binary || decimal) || power == prefixes.npos) return std::nullopt;
    const double bytes = number * std::pow(binary ? 1024 : 1000, static_cast<double>(power + 1));
    return bytes >= 1 && bytes < 1e15 ? std::optional(static_cast<std::int64_t>(bytes)) : std::nullopt;
}

void to_json(nlohmann::json& json, const TrainSettings& s) { write_fields(json, s, train_fields); }
void from_json(const nlohmann::json& json, TrainSettings& s) { read_fields(json, s, train_fields, "train"); }
void to_json(nlohmann::json& json, const EvaluationSettings& s) { write_fields(json, s, evaluation_fields); }
void from_json(const nlohmann::json& json, EvaluationSettings& s) {
    read_fields(json, s, evaluation_fields, "evaluation");
}
void to_json(nlohmann::json& json, const RunSettings& s) { write_fields(json, s, run_fields); }
void from_json(const nlohmann::json& json, RunSettings& s) { read_fields(json, s, run_fields, "run"); }
void from_json(const nlohmann::json& json, HookSettings& s) { read_fields(json, s, hook_fields, "hooks"); }
void to_json(nlohmann::json& json, const ResourceSettings& s) { write_fields(json, s, resource_fields); }
void from_json(const nlohmann::json& json, ResourceSettings& s) { read_fields(json, s, resource_fields, "resources"); }
void to_json(nlohmann::json& json, const StopSettings& s) { write_fields(json, s, stop_fields); }
void from_json(const nlohmann::json& json, StopSettings& s) { read_fields(json, s, stop_fields, "stop"); }
void to_json(nlohmann::json& json, const SlurmSettings& s) { write_fields(json, s, slurm_fields); }
void from_json(const nlohmann::json& json, SlurmSettings& s) { read_fields(json, s, slurm_fields, "slurm"); }

void to_json(nlohmann::json& json, const PluginTable& table) {
    json = table.parameters;
    json["plugin"] = table.plugin;
}

void from_json(const nlohmann::json& json, PluginTable& table) {
    const auto name = json.find("plugin");
    if (name == json.end() || !name->is_string()) refuse("a table names no plugin");
    table = {*name, json};
    table.parameters.erase("plugin");
}

const PluginTable& TrialSettings::plugin(std::string_view table) const {
    const auto found = plugins.find(table);
    if (found == plugins.end()) refuse("there is no [" + std::string(table) + "]");
    return found->second;
}

void to_json(nlohmann::json& json, const TrialSettings& settings) {
    json = {{"train", settings.train}, {"evaluation", settings.evaluation}};
    for (const auto& [name, table] : settings.plugins) json[name] = table;
}

void from_json(const nlohmann::json& json, TrialSettings& settings) {
    settings.train = train_of(json);
    settings.evaluation = table_of(json, "evaluation").get<EvaluationSettings>();
    settings.plugins = plugins_in(json);
}

TrainSettings train_of(const nlohmann::json& config) { return table_of(config, "train").get<TrainSettings>(); }

bool has_figures_to_find(const nlohmann::json& config) {
    const auto asked = table_of(config, "evaluation").get<EvaluationSettings>();
    return config.contains("dataset") || asked.samples > 0 || asked.nll_samples > 0 || asked.marginal_states > 0;
}

PluginTables plugins_in(const nlohmann::json& config) {
    PluginTables tables;
    for (const std::string& name : config::plugin_tables())
        if (const auto table = config.find(name); table != config.end()) tables.emplace(name, *table);
    return tables;
}

}  // namespace marginalia
