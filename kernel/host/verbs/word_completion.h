// What could follow on a command line: what the scripts of `completion` ask for, as `marginalia __complete WORD...`.
#pragma once

#include <span>
#include <string>

#include "kernel/host/verbs/verb.h"

namespace marginalia {

inline constexpr const char* completing_word = "__complete";

// Prints what the last word may become, one a line, with a tab and what it is behind it. `words`: what was typed after
// the program's name, the last one perhaps empty. `app` has all verbs. Prints nothing where something is wrong, starts
// no process, and leaves out what a shell would not take as a plain word, since names may come from a store of others.
void print_completions(const CLI::App& app, Common common, std::span<const std::string> words, std::ostream& out);

}  // namespace marginalia
