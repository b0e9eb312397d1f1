// Conformance: does a plugin keep the promises of its interface? One file of checks per kind.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include <marginalia/dataset.h>
#include <marginalia/energy.h>

#include "kernel/config/schema.h"
#include "kernel/conformance/checker.h"

namespace marginalia {

// The checks read results of random states from a fixed seed: the same plugin gives the same answers.
void check_energy(const Energy&, Checker&);
void check_dataset(const Dataset&, Checker&);

// Declared parameters: a line of help, a default within its range, values next to the range refused by name. `create`
// makes and destroys the plugin's object: at the lower end of each range it must work or throw a sentence; may be empty.
void check_parameters(const PluginManifest&, const std::function<void(const Params&)>& create, Checker&);

// Makes an object of the plugin and checks it; a kind's own checks begin with this signature.
using KindCheck = std::function<void(void (*factory)(), const Params&, Checker&)>;

// Loads one plugin file and checks it, a line per check on stdout: `marginalia-worker --check FILE [WORD...]`. A word
// is key=value or a .toml file of the plugin's parameters; what they leave out has its default. `more` adds the checks
// of kinds that need LibTorch; without them the output says that only the declared parameters were checked. A crash or a
// check of more than two minutes ends the process with a sentence.
// Returns 0 all passed, 1 a check failed, 2 bad parameters, 3 the plugin was refused.
int check_plugin_main(const std::filesystem::path& file, const std::vector<std::string>& words,
                      const std::map<std::string, KindCheck>& more = {});

}  // namespace marginalia
