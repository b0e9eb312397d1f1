#include <algorithm>
#include <cctype>
#include <cmath>

#include "kernel/worker/check/check.h"
#include "kernel/worker/check/parameters.h"

namespace marginalia {
namespace {

using Create = std::function<void(const Params&)>;

bool is_number(const ParameterSpec& spec) {
    return spec.type == ParameterType::integer || spec.type == ParameterType::number;
}

std::string spelled(const ParameterSpec& spec, double value) {
    return spec.type == ParameterType::integer ? std::to_string(static_cast<std::int64_t>(value)) : digits(value);
}

PluginManifest with_only(const PluginManifest& plugin, const ParameterSpec& spec) {
    return {plugin.kind, plugin.name, "", "", {spec}, "", "", "", {}};
}

std::string check_declared(const PluginManifest& plugin) {
    expect(!plugin.summary.empty(), "the plugin has no summary; give one line");
    for (const ParameterSpec& spec : plugin.parameters) {
        expect(!spec.help.empty(), "parameter '" + spec.name + "' has no help; give one line");
        expect(spec.minimum <= spec.maximum, "parameter '" + spec.name + "' has a minimum above its maximum");
        if (!spec.required) plugin_parameters(with_only(plugin, spec), {});
        if (spec.absent) absent_value(spec);
    }
    return std::to_string(plugin.parameters.size()) + " parameters, defaults within range";
}

// What the constructor is tried with: values at which mistakes are likely.
std::vector<std::string> corner_words(const PluginManifest& plugin) {
    std::vector<std::string> words;
    for (const ParameterSpec& spec : plugin.parameters) {
        if (is_number(spec) && std::isfinite(spec.minimum))
            words.push_back(spec.name + "=" + spelled(spec, spec.minimum));
        if (spec.type == ParameterType::number && std::isfinite(spec.maximum))
            words.push_back(spec.name + "=" + spelled(spec, spec.maximum));
        if (spec.type == ParameterType::boolean)
            for (const char* value : {"false", "true"}) words.push_back(spec.name + "=" + value);
        for (const std::string& choice : spec.choices) words.push_back(spec.name + "=\"" + choice + "\"");
    }
    return words;
}

// Whether `word` is in the text on its own: "rows" is not in "too many arrows".
bool has_word(const std::string& text, const std::string& word) {
    const auto goes_on = [&](std::size_t at) {
        return at < text.size() && (std::isalnum(static_cast<unsigned char>(text[at])) || text[at] == '_');
    };
    for (std::size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + 1))
        if ((at == 0 || !goes_on(at - 1)) && !goes_on(at + word.size())) return true;
    return false;
}

// The sentence of a constructor that refused `word` names what to change.
void expect_named(const PluginManifest& plugin, const std::string& word, const std::string& sentence) {
    const bool named = std::any_of(plugin.parameters.begin(), plugin.parameters.end(),
                                   [&](const ParameterSpec& spec) { return has_word(sentence, spec.name); });
    expect(named, "the constructor refuses " + word + " with \"" + sentence +
                      "\", which names no parameter; name the key and the remedy, or declare a narrower range");
}

std::string try_corners(const PluginManifest& plugin, const std::vector<std::string>& given, const Create& create) {
    int made = 0;
    std::string refusals;
    for (const std::string& word : corner_words(plugin)) {
        std::vector<std::string> words = given;
        words.push_back(word);
        std::optional<GivenDomain> not_of_interest;
        const Params params = plugin_parameters(plugin, words, &not_of_interest);
        try {
            create(params);
            ++made;
        } catch (const Error& error) {
            expect_named(plugin, word, error.what());
            refusals += "; " + word + " refused: " + error.what();
        } catch (const std::exception& error) {
            throw Error(
                "the constructor ends at " + word + " with \"" + error.what() +
                "\", which is not a marginalia::Error; throw Error naming the key, or declare a narrower range");
        }
    }
    return std::to_string(made) + " made" + refusals;
}

}  // namespace

void check_declarations(const PluginManifest& plugin, Checker& checker) {
    checker.run("parameters are declared well", [&] { return check_declared(plugin); });
}

void check_corners(const PluginManifest& plugin, const std::vector<std::string>& words, const Create& create,
                   Checker& checker) {
    if (plugin.parameters.empty()) return;
    checker.run("ends of ranges work or are refused by name", [&] { return try_corners(plugin, words, create); });
}

}  // namespace marginalia
