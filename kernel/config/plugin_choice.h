// From the name in `plugin = "NAME"` to the plugin.
#pragma once

#include "kernel/config/faults.h"
#include "kernel/config/node.h"
#include "kernel/config/schema.h"

namespace marginalia::config {

// The plugin that `name` names for a table; null with a fault that says what is there instead: a plugin of another kind,
// a file that was refused, the nearest name.
const PluginManifest* choose_plugin(const std::string& table, const Node& name, const PluginCatalogue& catalogue,
                                    Faults& faults);

}  // namespace marginalia::config
