#include <algorithm>
#include <cmath>

#include "kernel/conformance/check.h"
#include "kernel/conformance/parameters.h"

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

void expect_refused(const PluginManifest& plugin, const ParameterSpec& spec, double value) {
    const std::string word = spec.name + "=" + spelled(spec, value);
    try {
        plugin_parameters(plugin, {word});
    } catch (const Error& error) {
        expect(std::string(error.what()).find(spec.name) != std::string::npos,
               word + " is refused without naming the parameter: " + error.what());
        return;
    }
    throw Error(word + " is taken though the declared range excludes it");
}

std::string check_declared(const PluginManifest& plugin) {
    expect(!plugin.summary.empty(), "the plugin has no summary; give one line");
    for (const ParameterSpec& spec : plugin.parameters) {
        expect(!spec.help.empty(), "parameter '" + spec.name + "' has no help; give one line");
        expect(spec.minimum <= spec.maximum, "parameter '" + spec.name + "' has a minimum above its maximum");
        if (!spec.required) plugin_parameters(with_only(plugin, spec), {});
    }
    return std::to_string(plugin.parameters.size()) + " parameters, defaults within range";
}

std::string check_ranges(const PluginManifest& plugin) {
    int refused = 0;
    for (const ParameterSpec& spec : plugin.parameters) {
        if (!is_number(spec)) continue;
        const auto try_outside = [&](double limit, double direction) {
            if (!std::isfinite(limit) || std::abs(limit) > 1e15) return;
            expect_refused(with_only(plugin, spec), spec, limit + direction * std::max(1.0, std::abs(limit)));
            ++refused;
        };
        try_outside(spec.minimum, -1);
        try_outside(spec.maximum, 1);
    }
    return std::to_string(refused) + " values outside their ranges refused";
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

// The sentence of a constructor that refused `word` names what to change.
void expect_named(const PluginManifest& plugin, const std::string& word, const std::string& sentence) {
    const bool named = std::any_of(plugin.parameters.begin(), plugin.parameters.end(), [&](const ParameterSpec& spec) {
        return sentence.find(spec.name) != std::string::npos;
    });
    expect(named, "the constructor refuses " + word + " with \"" + sentence +
                      "\", which names no parameter; name the key and the remedy, or declare a narrower range");
}

std::string check_corners(const PluginManifest& plugin, const std::vector<std::string>& given, const Create& create) {
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
            throw Error("the constructor ends at " + word + " with \"" + error.what() +
                        "\", which is no marginalia::Error; throw Error naming the key, or declare a narrower range");
        }
    }
    return std::to_string(made) + " made" + refusals;
}

}  // namespace

void check_parameters(const PluginManifest& plugin, const std::vector<std::string>& words, const Create& create,
                      Checker& checker) {
    checker.run("parameters are declared well", [&] { return check_declared(plugin); });
    checker.run("values outside a range are refused", [&] { return check_ranges(plugin); });
    if (create && !plugin.parameters.empty())
        checker.run("ends of ranges work or are refused by name", [&] { return check_corners(plugin, words, create); });
}

}  // namespace marginalia
