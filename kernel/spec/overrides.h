// key=value words of the command line.
#pragma once

#include <string>
#include <vector>

#include "kernel/spec/faults.h"
#include "kernel/spec/node.h"
#include "kernel/spec/schema.h"

namespace marginalia::config {

// Changes the root table (its [sweep] flat) as the overrides say, in order; override n is source n + 1 of places.
//   a.b=VALUE      sets it; VALUE is TOML, and a bare word will do for a text. A sweep over the key ends
//   a.b=V1,V2      sweeps it; so do a list [V1, V2] and a range {lin=[1,3],n=3}
//   +a.b=VALUE     the same as without +
//   ~a.b           removes a key, a sweep over it, or a table
// Whether the keys and values are right is judged later, with those of the file.
void apply_overrides(Node& root, const std::vector<std::string>& overrides, const PluginCatalogue& catalogue,
                     Faults& faults);

// The names in a table's `plugin` and in a sweep over it. The [sweep] table is flat.
std::vector<std::string> plugins_tried(const Node& root, const std::string& table);

// Ends a sweep over `key`, "network.hidden", in a zip too; false if there was none. The [sweep] table is flat.
bool end_sweep(Node& root, const std::string& key);

}  // namespace marginalia::config
