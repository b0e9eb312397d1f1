// Conformance: does a plugin keep the promises of its interface? One file of checks per kind; those of networks,
// samplers and objectives are in torch/.
#pragma once

#include <marginalia/dataset.h>
#include <marginalia/energy.h>

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "kernel/spec/schema.h"
#include "kernel/worker/check/checker.h"
#include "kernel/worker/check/domain_words.h"

namespace marginalia {

// Makes a new object of the plugin, each time with the same parameters.
using EnergyMaker = std::function<std::unique_ptr<const Energy>()>;
using DatasetMaker = std::function<std::unique_ptr<const Dataset>()>;

// The maker has made an object before and makes more here. All states and draws come from fixed seeds: the same plugin
// gets the same answers, but for what threads do to one another. Not checked for datasets:
// row() at an index of size(split) or above, which the host never asks for and a dataset need not refuse. `on_devices`
// compares an energy's tensors with its bytes, once these are right.
void check_energy(const EnergyMaker&, Checker&, const std::function<void()>& on_devices = {});
// `describe` makes a dataset from a description, null where the class cannot be made from one.
using DescribedMaker = std::function<std::unique_ptr<const Dataset>(const RowDescription&)>;
void check_dataset(
    const DatasetMaker&, Checker&, const DescribedMaker& describe = [](const RowDescription&) { return nullptr; });

// Declared parameters: a line of help, a default within its range.
void check_declarations(const PluginManifest&, Checker&);

// `create` makes and destroys the plugin's object; with `words` alone it has done so already. Tried one at a time, on
// top of `words`: the lower end of each range, the upper end too of numbers (of integers it may be a size that no
// memory holds), every choice, both booleans. The object must be made, or an Error must name a parameter.
void check_corners(const PluginManifest&, const std::vector<std::string>& words,
                   const std::function<void(const Params&)>& create, Checker&);

// What is to be checked.
struct CheckTarget {
    PluginManifest plugin;
    void (*factory)() = nullptr;
    Params params;
    std::vector<std::string> words;     // what `params` was read from
    std::optional<GivenDomain> domain;  // for kinds that are made for one; absent: the checks' own choice
};
using KindCheck = std::function<void(const CheckTarget&, Checker&)>;

// Loads one plugin file and checks it, a line per check on stdout: `marginalia-worker --check FILE [WORD...]`. A word
// is key=value or a .toml file, of the plugin's parameters or an experiment's; what they leave out has its default.
// `more` has the checks of the kinds that need LibTorch (of energies: those on devices), and they read
// domain.shape=4x4, domain.categories=2 and domain.periodic=true, or a [domain] table of the file, as well. Where no
// object can be made with these, that is all that is said. A crash, an exit() or a check of more than two minutes ends
// the process with a sentence and code 1. Returns 0 all passed, 1 a check failed, 2 bad parameters, 3 the plugin was
// refused.
int check_plugin_main(const std::filesystem::path& file, const std::vector<std::string>& words,
                      const std::map<std::string, KindCheck>& more);

}  // namespace marginalia
