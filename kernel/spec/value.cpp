#include "kernel/spec/value.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernel/spec/nearest.h"
#include "kernel/spec/spelling.h"
#include "kernel/spec/toml_text.h"

namespace marginalia {
namespace config {
namespace {

std::string bound_text(double bound) {
    return bound == std::floor(bound) && std::abs(bound) < 1e15 ? std::to_string(static_cast<std::int64_t>(bound))
                                                                : toml_scalar(bound);
}

const char* wanted(ParameterType type) {
    switch (type) {
        case ParameterType::boolean: return "true or false";
        case ParameterType::integer: return "an integer";
        case ParameterType::number: return "a number";
        case ParameterType::text: return "a text in quotes";
        case ParameterType::path:
        case ParameterType::script: return "a file name in quotes";
    }
    return "a value";
}

bool of_type(const Node& value, ParameterType type) {
    switch (type) {
        case ParameterType::boolean: return value.kind == Node::Kind::boolean;
        case ParameterType::integer: return value.kind == Node::Kind::integer;
        case ParameterType::number: return value.kind == Node::Kind::integer || value.kind == Node::Kind::number;
        case ParameterType::text:
        case ParameterType::path:
        case ParameterType::script: return value.kind == Node::Kind::text;
    }
    return false;
}

// Of a word that may be meant as a value of that type.
std::string remedy_of_word(const std::string& word, ParameterType type) {
    std::string remedy = spelling_remedy(word);
    const bool truth = remedy == "; write true" || remedy == "; write false";
    const bool number = !truth && remedy.starts_with("; write ");
    if (truth != (type == ParameterType::boolean) && (truth || number)) return "";
    if (type == ParameterType::integer && number && remedy.ends_with(".0")) remedy.resize(remedy.size() - 2);
    return remedy;
}

std::string remedy(const Node& value, const ParameterSpec& spec, const std::string& name) {
    if (value.kind == Node::Kind::number && spec.type == ParameterType::integer) {
        const double number = value.scalar.get<double>();
        if (number == std::floor(number) && std::abs(number) < 1e15) return "; write " + bound_text(number);
    }
    if (value.is_list()) return "; to try several values give them in [sweep]: \"" + name + "\" = [...]";
    if (value.kind == Node::Kind::text && spec.type != ParameterType::text && !names_file(spec.type) &&
        read_toml_value(value.scalar.get<std::string>(), {}))
        return "; leave the quotes out";
    if (value.kind == Node::Kind::text && spec.type != ParameterType::text && spec.type != ParameterType::path)
        return remedy_of_word(value.scalar.get<std::string>(), spec.type);
    return "";
}

std::string fault_of_text(const Node& value, const ParameterSpec& spec, const std::string& name) {
    const auto text = value.scalar.get<std::string>();
    if (spec.choices.empty() || std::find(spec.choices.begin(), spec.choices.end(), text) != spec.choices.end())
        return "";
    return "'" + name + "' cannot be " + toml_scalar(text) + suggestion(text, spec.choices, "Allowed");
}

std::string fault_in(const Node& value, const ParameterSpec& spec, const std::string& name) {
    if (!of_type(value, spec.type))
        return "'" + name + "' must be " + wanted(spec.type) + ", not " + described(value) + remedy(value, spec, name);
    if (value.kind == Node::Kind::text) return fault_of_text(value, spec, name);
    if (value.kind == Node::Kind::boolean) return "";
    const double number = value.scalar.get<double>();
    if (!std::isfinite(number)) return "'" + name + "' must be a finite number, not " + toml_scalar(value.scalar);
    // A mean of one has no standard error.
    const bool averaged =
        name == "evaluation.samples" || name == "evaluation.quick_samples" || name == "evaluation.ais_chains";
    if (number == 1 && averaged) return "'" + name + "' cannot be 1: give at least 2 " + spec.unit + ", or 0 for none";
    if (number >= spec.minimum && number <= spec.maximum) return "";
    return "'" + name + "' must be " + range_text(spec) + ", not " + toml_scalar(value.scalar);
}

}  // namespace

std::string range_text(const ParameterSpec& spec) {
    const std::string unit = spec.unit.empty() ? "" : " " + spec.unit;
    const bool low = std::isfinite(spec.minimum), high = std::isfinite(spec.maximum);
    if (low && high) return "from " + bound_text(spec.minimum) + " to " + bound_text(spec.maximum) + unit;
    if (low) return "at least " + bound_text(spec.minimum) + unit;
    if (high) return "at most " + bound_text(spec.maximum) + unit;
    return "";
}

std::string fault_of(const nlohmann::json& value, const ParameterSpec& spec, const std::string& name) {
    using Kind = Node::Kind;
    Node node;
    node.kind = Kind::list;
    node.scalar = value;
    if (value.is_boolean()) node.kind = Kind::boolean;
    if (value.is_number()) node.kind = value.is_number_integer() ? Kind::integer : Kind::number;
    const auto whole = value.is_number_unsigned() ? value.get<std::uint64_t>() : 0;
    if (whole > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) node.kind = Kind::number;
    if (value.is_string()) node.kind = Kind::text;
    return fault_in(node, spec, name);
}

std::optional<nlohmann::json> checked(const Node& value, const ParameterSpec& spec, const std::string& name,
                                      const std::filesystem::path& folder, Faults& faults) {
    if (std::string fault = fault_in(value, spec, name); !fault.empty()) {
        faults.add(value.place, std::move(fault));
        return std::nullopt;
    }
    if (spec.type == ParameterType::number) return value.scalar.get<double>() + 0.0;  // no -0.0
    if (names_file(spec.type) && !value.scalar.get<std::string>().empty())
        return (folder / value.scalar.get<std::string>()).lexically_normal().string();
    return value.scalar;
}

}  // namespace config

namespace {

// `what`: "default", "value 'absent'".
nlohmann::json declared_value(const ParameterSpec& spec, const std::string& declared, const std::string& what) {
    const bool is_text = spec.type == ParameterType::text || names_file(spec.type);
    std::optional<config::Node> value = config::read_toml_value(declared, {});
    // A bare word is what an author means by `.fallback = "torus"`.
    if (is_text && (!value || value->kind != config::Node::Kind::text)) value = config::make_text("", declared, {});
    const std::string fault = value ? config::fault_in(*value, spec, spec.name) : "'" + declared + "' is not TOML";
    if (!fault.empty()) throw Error("the declared " + what + " of '" + spec.name + "' is wrong: " + fault);
    return spec.type == ParameterType::number ? nlohmann::json(value->scalar.get<double>()) : value->scalar;
}

}  // namespace

nlohmann::json default_value(const ParameterSpec& spec) { return declared_value(spec, spec.fallback, "default"); }
nlohmann::json absent_value(const ParameterSpec& spec) {
    return declared_value(spec, spec.absent.value(), "value 'absent'");
}

}  // namespace marginalia
