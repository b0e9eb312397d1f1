// The manual page, from what --help is made of: what the build asks, as `marginalia __manual`.
#pragma once

#include "kernel/host/verbs/verb.h"

namespace marginalia {

inline constexpr const char* manual_word = "__manual";

// marginalia(1) in the man macros: every verb with its options, in the groups of --help. `app` has all verbs.
void print_manual(const CLI::App& app, std::ostream& out);

}  // namespace marginalia
