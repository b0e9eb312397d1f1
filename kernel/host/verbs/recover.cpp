// `recover`: what is whole of a damaged store, in a new one.
#include "store/recover.h"

#include <fmt/format.h>
#include <fmt/ostream.h>

#include "kernel/host/results/text.h"
#include "kernel/host/verbs/exit_codes.h"
#include "kernel/host/verbs/verbs.h"

namespace marginalia {
namespace {

std::string counted(std::int64_t count, std::string_view noun) {
    return count_text(static_cast<std::size_t>(count), noun);
}

void print_counts(const store::Recovered& result, std::ostream& out) {
    fmt::print(out, "kept: {}, {}, {}\n", counted(result.trials.kept, "trial"), counted(result.points.kept, "point"),
               counted(result.checkpoints.kept, "checkpoint"));
    const auto lost = result.trials.lost + result.points.lost + result.checkpoints.lost + result.other_rows;
    if (lost == 0 && result.stand_ins == 0) out << "nothing is known to be lost\n";
    if (lost > 0)
        fmt::print(out, "lost, as far as the rest tells: {}, {}, {}, {}\n", counted(result.trials.lost, "trial"),
                   counted(result.points.lost, "point"), counted(result.checkpoints.lost, "checkpoint"),
                   counted(result.other_rows, "other row"));
    if (result.perhaps_deleted)
        out << "the list of free pages is lost, so that rows that had been removed may be back\n";
    if (result.stand_ins > 0)
        fmt::print(out, "{} in place of lost rows that others need\n", counted(result.stand_ins, "stand-in"));
}

}  // namespace

int recover_verb(const RecoverOptions& options, std::ostream& out) {
    const store::Recovered result = store::recover_store(options.damaged, options.file);
    fmt::print(out, "{} is made of what is whole in {}, which was only read\n", options.file.string(),
               options.damaged.string());
    print_counts(result, out);
    return exit_ok;
}

}  // namespace marginalia
