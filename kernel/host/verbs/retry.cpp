// `retry`: kernel/host/verbs/wishes.h does it.
#include "kernel/host/verbs/verbs.h"
#include "kernel/host/verbs/wishes.h"

namespace marginalia {
namespace {

constexpr const char* footer_of_retry =
    "They go on from their newest checkpoint, or start again where they have none. A run of their experiment that is "
    R"(under
way takes them up; where there is none, a line names the command that does. Of a trial that runs, what cancel or pause
asked for and what has not happened yet is withdrawn.

Examples:
  marginalia retry 3
  marginalia retry --experiment ising-6x6)";

int retry_verb(const Common& common, const WishOptions& options, std::ostream& out) {
    return wish_verb(common, options, store::Wish::retry, out);
}

}  // namespace

void add_retry(CLI::App& app, CommandLine& line) {
    const auto [verb, options] =
        add_store_verb(app, line, "retry", "Queue trials again that failed, were cancelled or paused", retry_verb);
    verb->footer(footer_of_retry);
    add_wish_options(verb, options);
}

}  // namespace marginalia
