// `tell`: kernel/host/run/tell.cpp does it.
#include <unistd.h>

#include "kernel/host/verbs/run_options.h"
#include "kernel/host/verbs/verbs.h"

namespace marginalia {
namespace {

constexpr const char* footer_of_tell =
    R"(Reads lines of JSON, runs the trials that they ask for, of all seeds of the file, several lines at a time, and answers
each line with one when its trials are over, until its input ends:
  {"id": 1, "parameters": {"train.learning_rate": 0.003, "network.hidden": 64}}
  {"id":1,"metrics":{"kl":0.021,...},"status":"done","trials":[7,8]}
What the store has is answered at once. Parameters that cannot be: {"error":"...","id":1}. docs/optimisers.md)";

}  // namespace

void add_tell(CLI::App& app, CommandLine& line) {
    const auto [verb, options] =
        add_verb<RunOptions>(app, line, "tell", "Run trials with parameters given as lines of JSON",
                             [](const Common& common, const RunOptions& options, std::ostream&) {
                                 return tell_verb(completed(common, options), STDIN_FILENO, STDOUT_FILENO);
                             });
    add_file(verb, options);
    add_what_again(verb, options);
    add_quiet(verb, options);
    verb->footer(footer_of_tell);
}

}  // namespace marginalia
