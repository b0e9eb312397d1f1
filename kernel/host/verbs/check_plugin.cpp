// `check-plugin`: whether a plugin keeps the promises of its interface.
#include <fmt/format.h>
#include <marginalia/error.h>
#include <marginalia/files.h>

#include <filesystem>

#include "kernel/host/results/text.h"
#include "kernel/host/run/catalogue.h"
#include "kernel/host/run/plugin_folders.h"
#include "kernel/host/verbs/become_worker.h"
#include "kernel/host/verbs/verbs.h"
#include "kernel/spec/experiment.h"
#include "kernel/spec/nearest.h"

namespace marginalia {
namespace {

constexpr const char* footer_of_check =
    R"(Later parameters win; the plugin's defaults for the rest.

Examples:
  marginalia check-plugin build/chain.so conformance.toml weight=0.3
  marginalia check-plugin ising rows=3 columns=4
  marginalia check-plugin energy/torchscript file=clock.pt
  marginalia check-plugin mam-energy --device cuda

Exit codes: 0 every promise kept, 1 one is not, 2 bad parameters, 3 no such plugin or it is refused.)";

struct CheckOptions {
    std::string plugin;
    std::string device = "cpu";
    std::vector<std::string> parameters;
};

// The file of a plugin given as a file, NAME or KIND/NAME. Throws MissingPlugin where it is none or several.
std::string plugin_file(const Common& common, const std::string& plugin) {
    if (std::filesystem::is_regular_file(plugin)) {
        if (!has_ending(plugin, ".pt")) return plugin;
        throw Error(
            fmt::format("{0} is not a plugin; a TorchScript file is checked by: marginalia check-plugin "
                        "energy/torchscript file={0}   (or network/torchscript)",
                        plugin));
    }
    if (has_ending(plugin, ".so"))
        throw MissingPlugin(fmt::format("there is no file {}; build the plugin, or see `marginalia plugins`", plugin));
    const PluginCatalogue catalogue = fetch_catalogue(plugin_folders(common.plugin_paths));
    std::vector<std::string> files, names;
    for (const PluginManifest& found : catalogue.plugins)
        if (found.is_called(plugin)) files.push_back(found.path), names.push_back(found.kind + "/" + found.name);
    if (files.empty())
        throw MissingPlugin(
            fmt::format("there is no file and no plugin '{}'; `marginalia plugins` lists what there is", plugin));
    if (files.size() > 1)
        throw Error(fmt::format("'{}' is the name of several plugins: {}; name one of them so", plugin, listed(names)));
    return files.front();
}

// Becomes the worker program, which loads the plugin and prints a line per check (kernel/worker/check).
int check_plugin_verb(const Common& common, const CheckOptions& options, std::ostream&) {
    std::vector<std::string> words = {"--check", plugin_file(common, options.plugin), "--device=" + options.device};
    words.insert(words.end(), options.parameters.begin(), options.parameters.end());
    become_worker(words);
}

}  // namespace

void add_check_plugin(CLI::App& app, CommandLine& line) {
    const auto [verb, options] = add_verb(app, line, "check-plugin",
                                          "Check that a plugin keeps the promises of its interface", check_plugin_verb);
    verb->footer(footer_of_check);
    verb->add_option("plugin", options.plugin, "plugin file, or NAME, or KIND/NAME where kinds share a name")
        ->required();
    verb->add_option(
            "--device", options.device,
            "where samplers and objectives are tried, cpu or cuda; networks are compared on both where both are")
        ->check(CLI::IsMember({"cpu", "cuda"}));
    verb->add_option("parameters", options.parameters, "key=value, or a .toml file of parameters");
}

}  // namespace marginalia
