// From the name in `plugin = "NAME"` to the plugin.
#pragma once

#include "kernel/spec/faults.h"
#include "kernel/spec/node.h"
#include "kernel/spec/schema.h"

namespace marginalia::config {

// The plugin that `name` names for a table; null with a fault that says what is there instead: a plugin of another
// kind, a file that was refused, the nearest name.
const PluginManifest* choose_plugin(const std::string& table, const Node& name, const PluginCatalogue& catalogue,
                                    Faults& faults);

}  // namespace marginalia::config
