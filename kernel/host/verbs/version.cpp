// `version`.
#include "kernel/host/run/exit_codes.h"
#include "kernel/host/verbs/verbs.h"

namespace marginalia {

void add_version(CLI::App& app, CommandLine& line) {
    add_verb(app, line, "version", "The program's version", [](const Common&, std::ostream& out) {
        out << "marginalia " << MARGINALIA_VERSION << '\n';
        return exit_ok;
    });
}

}  // namespace marginalia
