// `status`: kernel/host/slurm/job.h does it.
#include "kernel/host/slurm/job.h"
#include "kernel/host/verbs/verbs.h"

namespace marginalia {

void add_status(CLI::App& app, CommandLine& line) {
    CLI::App* verb =
        add_verb(app, line, "status", "How far the jobs are that `submit` has handed over",
                 [](const Common& common, std::ostream& out) {
                     return read_store(common, [&] { return status_verb(common.store, common.format, out); });
                 });
    add_format(verb, line, "text, csv, json, markdown or latex");
}

}  // namespace marginalia
