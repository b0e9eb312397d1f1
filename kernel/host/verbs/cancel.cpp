// `cancel`: kernel/host/verbs/wishes.h does it.
#include "kernel/host/verbs/verbs.h"
#include "kernel/host/verbs/wishes.h"

namespace marginalia {
namespace {

constexpr const char* footer_of_cancel =
    R"(A trial that waits is cancelled at once. One that runs writes a checkpoint first: the run that has it sees the request
within a second, in whatever terminal it is. The other trials go on, and no run takes a cancelled trial up again before
`marginalia retry TRIAL`.

Examples:
  marginalia cancel 3 5
  marginalia cancel --experiment ising-6x6)";

int cancel_verb(const Common& common, const WishOptions& options, std::ostream& out) {
    return wish_verb(common, options, store::Wish::cancel, out);
}

}  // namespace

void add_cancel(CLI::App& app, CommandLine& line) {
    const auto [verb, options] = add_store_verb(app, line, "cancel", "Give up trials that wait or run", cancel_verb);
    verb->footer(footer_of_cancel);
    add_wish_options(verb, options);
}

}  // namespace marginalia
