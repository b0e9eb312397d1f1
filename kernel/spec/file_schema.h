// What an experiment file may say, as a JSON schema for editors and other checkers of files.
#pragma once

#include <nlohmann/json.hpp>

#include "kernel/spec/schema.h"

namespace marginalia {

// Draft 07, from what the plugins and the kernel's own tables declare: types, ranges, choices, defaults, help. It
// refuses keys, tables and plugins that nobody declares. It does not ask for what a file must have, since that may
// stand in a file that it extends or on the command line. A pure function, for any thread.
nlohmann::json file_schema(const PluginCatalogue& plugins);

}  // namespace marginalia
