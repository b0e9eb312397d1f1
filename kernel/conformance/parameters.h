// The values of one plugin's parameters from words of the command line.
#pragma once

#include <string>
#include <vector>

#include <marginalia/params.h>

#include "kernel/config/schema.h"

namespace marginalia {

// A word is key=value or a .toml file of them; later words win, defaults fill the rest. Throws Error with every fault.
Params plugin_parameters(const PluginManifest& plugin, const std::vector<std::string>& words);

}  // namespace marginalia
