// `score`, `sample`, `complete`, `marginals`.
#pragma once

#include "kernel/host/verbs/verb_options.h"

namespace marginalia {

// Adds these verbs to `app`; what add_verbs says holds for them too.
void add_model_verbs(CLI::App& app, Request& request);

}  // namespace marginalia
