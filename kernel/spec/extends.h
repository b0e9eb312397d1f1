// Experiment files that build on others: extends = "base.toml".
#pragma once

#include <filesystem>
#include <optional>
#include <string_view>

#include "kernel/spec/faults.h"
#include "kernel/spec/node.h"
#include "kernel/spec/schema.h"

namespace marginalia::config {

// The root table of an experiment file, laid over those of the files that it extends, and these over theirs: tables are
// merged key by key, but [sweep] is taken whole from the topmost file that has one, and a table that names another
// plugin takes from below only what is in sub-tables. `name` is never taken from below; `extends` is gone from the
// result. Files below are added to `faults`; run.plugin_path of theirs is made absolute. nullopt after a fault.
std::optional<Node> read_with_bases(std::string_view text, const std::filesystem::path& file, Faults& faults);

// What must wait until plugins are known and [sweep] is flat: a key given in one file ends a sweep over it in a file
// below, and file names in the parameters of files below, relative to these, are made absolute.
void settle_bases(Node& root, const PluginCatalogue& catalogue, const Faults& faults);

}  // namespace marginalia::config
