// What `run`, `plan` and `resume` share on the command line.
#pragma once

#include "kernel/host/run/run.h"
#include "kernel/host/verbs/verb.h"

namespace marginalia {

// Adds what is asked of a file: its name and overrides.
void add_file(CLI::App* verb, RunOptions& options);
// Adds --retry-failed and --again.
void add_what_again(CLI::App* verb, RunOptions& options);
void add_quiet(CLI::App* verb, RunOptions& options);

// With what every verb is given.
RunOptions completed(const Common& common, RunOptions options);

}  // namespace marginalia
