// The plugins that the tests of experiment files know: their declarations only, no code.
#pragma once

#include <string>
#include <vector>

#include "kernel/spec/experiment.h"
#include "kernel/spec/schema.h"

namespace marginalia {

inline PluginManifest fake_plugin(const std::string& kind, const std::string& name,
                                  std::vector<ParameterSpec> parameters, std::vector<std::string> needs = {}) {
    return {kind,    name, "a " + kind,     "", std::move(parameters), "/plugins/" + name + ".so",
            "abi 1", "00", std::move(needs)};
}

inline PluginCatalogue fake_catalogue() {
    static constexpr Parameter ising[] = {
        {.name = "rows",
         .type = ParameterType::integer,
         .minimum = 1,
         .maximum = 64,
         .unit = "sites",
         .help = "rows of the lattice"},
        {.name = "columns",
         .type = ParameterType::integer,
         .minimum = 1,
         .maximum = 64,
         .unit = "sites",
         .help = "columns of the lattice"},
        {.name = "coupling", .type = ParameterType::number, .fallback = "0.2"},
        {.name = "field", .type = ParameterType::number, .fallback = "0", .minimum = -10, .maximum = 10},
        {.name = "torus", .type = ParameterType::boolean, .fallback = "true"},
    };
    static constexpr Parameter ring[] = {
        {.name = "length", .type = ParameterType::integer, .fallback = "8", .minimum = 3}};
    static constexpr Parameter rows[] = {
        {.name = "file", .type = ParameterType::path},
        {.name = "format", .type = ParameterType::text, .fallback = "\"csv\"", .choices = "csv|npy"},
        {.name = "title", .type = ParameterType::text, .fallback = ""},
    };
    static constexpr Parameter mlp[] = {
        {.name = "hidden", .type = ParameterType::integer, .fallback = "256", .minimum = 1, .maximum = 65536},
        {.name = "layers", .type = ParameterType::integer, .fallback = "3", .minimum = 1, .maximum = 100},
    };
    static constexpr Parameter lattice_conv[] = {
        {.name = "channels", .type = ParameterType::integer, .fallback = "32", .minimum = 1, .maximum = 4096},
        {.name = "layers", .type = ParameterType::integer, .fallback = "4", .minimum = 1, .maximum = 50},
    };
    static constexpr Parameter gibbs[] = {
        {.name = "sites", .type = ParameterType::integer, .fallback = "10", .minimum = 1, .unit = "sites"}};
    static constexpr Parameter tempering[] = {
        {.name = "rungs", .type = ParameterType::integer, .fallback = "8", .minimum = 2}};
    static constexpr Parameter mam[] = {
        {.name = "penalty", .type = ParameterType::number, .fallback = "1", .minimum = 0}};
    const auto specs = [](const auto& list) {
        std::vector<ParameterSpec> described;
        for (const Parameter& parameter : list) described.push_back(describe(parameter));
        return described;
    };
    PluginCatalogue catalogue;
    catalogue.plugins = {fake_plugin("dataset", "rows", specs(rows)),
                         fake_plugin("energy", "ising", specs(ising)),
                         fake_plugin("energy", "ring", specs(ring)),
                         fake_plugin("network", "lattice-conv", specs(lattice_conv)),
                         fake_plugin("network", "mlp", specs(mlp)),
                         fake_plugin("objective", "likelihood", {}, {"dataset"}),
                         fake_plugin("objective", "mam-energy", specs(mam)),
                         fake_plugin("objective", "matching", {}, {"energy", "target-sampler"}),
                         fake_plugin("objective", "policy", {}, {"energy", "model-sampler"}),
                         fake_plugin("objective", "reinforce", {}, {"energy", "sampler"}),
                         fake_plugin("objective", "rows-or-chains", {}, {"states"}),
                         fake_plugin("sampler", "block-gibbs", specs(gibbs)),
                         fake_plugin("sampler", "heat-bath", specs(gibbs), {"energy"}),
                         fake_plugin("sampler", "tempering", specs(tempering), {"energy"})};
    catalogue.failures = {{"/plugins/potts.so", "built for plugin ABI 0, but this marginalia is of ABI 1; rebuild it"}};
    return catalogue;
}

// A complete file without faults; `more` is put at its end.
inline std::string small_experiment(const std::string& more = "") {
    return "name = \"small\"\nseeds = [0, 1]\n[energy]\nplugin = \"ising\"\nrows = 4\ncolumns = 4\n"
           "[network]\nplugin = \"mlp\"\n[objective]\nplugin = \"mam-energy\"\n" +
           more;
}

inline Experiment parse(const std::string& text, const std::vector<std::string>& overrides = {}) {
    return parse_experiment(text, "/lab/small.toml", overrides, fake_catalogue());
}

}  // namespace marginalia
