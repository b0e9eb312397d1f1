// `data get`, `data list`, `data normalise`.
#pragma once

#include "kernel/host/verbs/verb_options.h"

namespace marginalia {

// Adds `data` and its verbs to `app`; what add_verbs says holds for these too.
void add_data_set_verbs(CLI::App& app, Request& request);

}  // namespace marginalia
