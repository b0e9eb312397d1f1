// Declared parameters of a plugin, and the values one trial gives them.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include <marginalia/error.h>

namespace marginalia {

// The types a parameter may have. `path` is text that names a file; the host makes it absolute, taking relative paths
// from the folder of the experiment file. `script` is a path of a file whose code the plugin runs, such as TorchScript:
// the host lets nobody's store choose it (docs/store.md, "Stores from others").
enum class ParameterType { boolean, integer, number, text, path, script };

constexpr bool names_file(ParameterType type) { return type == ParameterType::path || type == ParameterType::script; }

// One declared parameter: plain data, so that a host can list it and check an experiment file before any code of the
// plugin runs. Write a constexpr array of these with designated initialisers.
struct Parameter {
    const char* name;                // lower_snake key in the experiment file
    ParameterType type;              // what values it takes
    const char* fallback = nullptr;  // default value as TOML would spell it; nullptr: the user must give one
    double minimum = -std::numeric_limits<double>::infinity();  // inclusive, integer and number only
    double maximum = std::numeric_limits<double>::infinity();   // inclusive, integer and number only
    const char* choices = nullptr;  // text only: allowed words, separated by '|'; nullptr: any text
    const char* unit = "";          // "sites", "nats", "s"; empty for none
    const char* help = "";          // one line
    // Of a parameter that came after the plugin's first release: the value, spelt like `fallback`, that gives what the
    // plugin did without it. Trials of before are read with it, and where it is given a trial's hash is what it was.
    const char* absent = nullptr;
};

using ParameterValue = std::variant<bool, std::int64_t, double, std::string>;

// The values of one plugin in one trial: every declared parameter is present, of its declared type and in range.
// Reading a key that was not declared throws Error. Immutable; may be read from several threads.
class Params {
public:
    Params() = default;
    explicit Params(std::map<std::string, ParameterValue, std::less<>> values) : values_(std::move(values)) {}

    bool boolean(std::string_view key) const;
    std::int64_t integer(std::string_view key) const;
    double number(std::string_view key) const;
    const std::string& text(std::string_view key) const;

private:
    std::map<std::string, ParameterValue, std::less<>> values_;
};

}  // namespace marginalia
