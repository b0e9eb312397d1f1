// `recover`: what is whole of a damaged store, in a new one.
#include "store/recover.h"

#include <fmt/format.h>
#include <fmt/ostream.h>

#include "kernel/host/results/text.h"
#include "kernel/host/run/exit_codes.h"
#include "kernel/host/run/open_store.h"
#include "kernel/host/verbs/verbs.h"

namespace marginalia {
namespace {

constexpr const char* footer_of_recover =
    R"(It says how many trials, points and checkpoints it kept, and how many are known to be lost. Rows that others need
and that are lost get a stand-in: a run without provenance, a trial without its config.

Example:
  marginalia recover marginalia.db --out recovered.db

Exit codes: 0 the new store is whole, 4 nothing was made (the message says why).)";

struct RecoverOptions {
    std::filesystem::path damaged, file;  // read, made
};

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

int recover_verb(const Common&, const RecoverOptions& options, std::ostream& out) {
    const store::Recovered result = store::recover_store(options.damaged, options.file, config_parts);
    fmt::print(out, "{} is made of what is whole in {}, which was only read\n", options.file.string(),
               options.damaged.string());
    print_counts(result, out);
    return exit_ok;
}

}  // namespace

void add_recover(CLI::App& app, CommandLine& line) {
    const auto [verb, options] =
        add_verb(app, line, "recover", "Keep what is whole of a damaged store, in a new one", recover_verb);
    verb->footer(footer_of_recover);
    verb->add_option("store", options.damaged, "the damaged store, which is only read")->required();
    verb->add_option("-o,--out", options.file, "the new store; must not be there yet")->required();
}

}  // namespace marginalia
