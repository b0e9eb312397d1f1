// The values of one plugin's parameters from words of the command line.
#pragma once

#include <marginalia/params.h>

#include <string>
#include <vector>

#include "kernel/spec/schema.h"
#include "kernel/worker/check/domain_words.h"

namespace marginalia {

// A word is key=value or a .toml file: of key = value lines, or an experiment's, whose [KIND] table names the plugin
// and whose other tables are ignored, but for [domain]. Key=value goes before files, later files before earlier ones,
// and defaults fill the rest. Throws Error with every fault. A [domain] table goes into *domain; null: it is a fault
// like any unknown key.
Params plugin_parameters(const PluginManifest& plugin, const std::vector<std::string>& words,
                         std::optional<GivenDomain>* domain = nullptr);

}  // namespace marginalia
