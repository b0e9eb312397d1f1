// `pause`: kernel/host/verbs/wishes.h does it.
#include "kernel/host/verbs/verbs.h"
#include "kernel/host/verbs/wishes.h"

namespace marginalia {
namespace {

constexpr const char* footer_of_pause =
    R"(As cancel, for trials that are to go on later: `marginalia retry TRIAL` queues them again, and they go on from their
checkpoint. Their slots are free for others meanwhile.

Examples:
  marginalia pause last
  marginalia pause --experiment ising-6x6 --wait 60)";

int pause_verb(const Common& common, const WishOptions& options, std::ostream& out) {
    return wish_verb(common, options, store::Wish::pause, out);
}

}  // namespace

void add_pause(CLI::App& app, CommandLine& line) {
    const auto [verb, options] = add_store_verb(app, line, "pause", "Stop trials until they are retried", pause_verb);
    verb->footer(footer_of_pause);
    add_wish_options(verb, options);
}

}  // namespace marginalia
