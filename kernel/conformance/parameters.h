// The values of one plugin's parameters from words of the command line.
#pragma once

#include <marginalia/params.h>

#include <string>
#include <vector>

#include "kernel/config/schema.h"
#include "kernel/conformance/domain_words.h"

namespace marginalia {

// A word is key=value or a .toml file of them; later words win, defaults fill the rest. Throws Error with every fault.
// A [domain] table of the file goes into *domain; null: it is a fault like any unknown key.
Params plugin_parameters(const PluginManifest& plugin, const std::vector<std::string>& words,
                         std::optional<GivenDomain>* domain = nullptr);

}  // namespace marginalia
