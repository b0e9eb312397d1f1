// The command line: verbs, options, help, and what to say about a misspelt one.
#pragma once

#include <ostream>

namespace marginalia {

// Parses, runs the verb and returns the exit code. Data goes to `out`, words to stderr. Throws what the verbs throw.
int run_command_line(int argc, char** argv, std::ostream& out);

}  // namespace marginalia
