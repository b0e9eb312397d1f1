#include <cmath>

#include "kernel/conformance/check.h"
#include "kernel/conformance/parameters.h"

namespace marginalia {
namespace {

bool is_number(const ParameterSpec& spec) {
    return spec.type == ParameterType::integer || spec.type == ParameterType::number;
}

std::string spelled(const ParameterSpec& spec, double value) {
    return spec.type == ParameterType::integer ? std::to_string(static_cast<std::int64_t>(value)) : digits(value);
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
        if (!spec.required) plugin_parameters({plugin.kind, plugin.name, "", "", {spec}, "", "", "", {}}, {});
    }
    return std::to_string(plugin.parameters.size()) + " parameters, defaults within range";
}

std::string check_ranges(const PluginManifest& plugin) {
    int refused = 0;
    for (const ParameterSpec& spec : plugin.parameters) {
        if (!is_number(spec)) continue;
        const PluginManifest alone{plugin.kind, plugin.name, "", "", {spec}, "", "", "", {}};
        const auto try_outside = [&](double limit, double direction) {
            if (!std::isfinite(limit) || std::abs(limit) > 1e15) return;
            expect_refused(alone, spec, limit + direction * std::max(1.0, std::abs(limit)));
            ++refused;
        };
        try_outside(spec.minimum, -1);
        try_outside(spec.maximum, 1);
    }
    return std::to_string(refused) + " values outside their ranges refused";
}

std::string check_lower_ends(const PluginManifest& plugin, const std::function<void(const Params&)>& create) {
    std::string refusals;
    int made = 0;
    for (const ParameterSpec& spec : plugin.parameters) {
        if (!is_number(spec) || !std::isfinite(spec.minimum)) continue;
        const std::string word = spec.name + "=" + spelled(spec, spec.minimum);
        std::vector<std::string> words = {word};
        for (const ParameterSpec& other : plugin.parameters)
            if (other.required && other.name != spec.name) return "skipped: '" + other.name + "' has no default";
        try {
            create(plugin_parameters(plugin, words));
            ++made;
        } catch (const Error& error) {
            expect(*error.what() != '\0', word + " is refused without a sentence");
            refusals += "; " + word + " refused: " + error.what();
        }
    }
    return std::to_string(made) + " made" + refusals;
}

}  // namespace

void check_parameters(const PluginManifest& plugin, const std::function<void(const Params&)>& create,
                      Checker& checker) {
    checker.run("parameters are declared well", [&] { return check_declared(plugin); });
    checker.run("values outside a range are refused", [&] { return check_ranges(plugin); });
    if (create)
        checker.run("the lower end of each range works or is refused", [&] { return check_lower_ends(plugin, create); });
}

}  // namespace marginalia
