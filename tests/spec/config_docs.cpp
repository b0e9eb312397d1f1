// Every block of docs/experiment-files.md that is marked as TOML is a complete experiment file without faults.
#include <doctest/doctest.h>

#include <fstream>
#include <sstream>

#include "kernel/spec/experiment.h"
#include "tests/spec/config_catalogue.h"

using namespace marginalia;

static std::string documentation() {
    std::ifstream file(std::string(MARGINALIA_SOURCE_DIR) + "/docs/experiment-files.md");
    REQUIRE(file);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

// The fake mam-energy is content with any file; the real one is not.
static PluginCatalogue strict_catalogue() {
    PluginCatalogue catalogue = fake_catalogue();
    const Parameter couplings{.name = "couplings", .type = ParameterType::boolean, .fallback = "false"};
    for (PluginManifest& plugin : catalogue.plugins) {
        if (plugin.name == "mam-energy") plugin.needs = {"energy", "model-sampler"};
        if (plugin.name == "lattice-conv") plugin.parameters.push_back(describe(couplings));
    }
    const Parameter sweeps{.name = "sweeps", .type = ParameterType::integer, .fallback = "1", .minimum = 1};
    catalogue.plugins.push_back(fake_plugin("sampler", "parallel-tempering", {describe(sweeps)}, {"energy"}));
    catalogue.plugins.push_back(fake_plugin("sampler", "single-site-gibbs", {describe(sweeps)}, {"energy"}));
    const Parameter penalty{.name = "penalty", .type = ParameterType::number, .fallback = "0.1", .minimum = 0};
    catalogue.plugins.push_back(
        fake_plugin("objective", "mam-heat-bath", {describe(penalty)}, {"energy", "target-sampler"}));
    catalogue.plugins.push_back(fake_plugin("objective", "ao-arm", {}, {"states"}));
    return catalogue;
}

TEST_CASE("the TOML of the documentation is valid") {
    const std::string text = documentation(), start = "\n```toml\n", end = "\n```\n";
    int blocks = 0;
    for (std::size_t at = 0; (at = text.find(start, at)) != text.npos; ++blocks) {
        at += start.size();
        const std::string block = text.substr(at, text.find(end, at) + 1 - at);
        INFO(block);
        CHECK_NOTHROW(parse_experiment(block, "docs.toml", {}, strict_catalogue()));
    }
    CHECK(blocks >= 5);
}

TEST_CASE("the documentation names every key of the kernel's tables with its default") {
    const std::string text = documentation();
    for (const auto* table : {&train_parameters(), &evaluation_parameters(), &run_parameters(), &stop_parameters(),
                              &hook_parameters(), &resource_parameters(), &slurm_parameters()})
        for (const ParameterSpec& spec : *table) {
            INFO(spec.name);
            CHECK(text.find("| `" + spec.name + "` | " + type_name(spec.type) + " | `" + spec.fallback + "` |") !=
                  text.npos);
        }
}
