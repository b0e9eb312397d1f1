// `plan --origin`: every value of an experiment and where it was written.
#include <ostream>

#include "kernel/host/results/table.h"
#include "kernel/host/results/text.h"
#include "kernel/host/run/catalogue.h"
#include "kernel/host/run/run.h"
#include "kernel/spec/experiment.h"
#include "kernel/spec/value_origins.h"

namespace marginalia {
namespace {

const char* words(ValueOrigin::From from) {
    switch (from) {
        case ValueOrigin::From::fallback: return "default";
        case ValueOrigin::From::file: return "file";
        case ValueOrigin::From::sweep: return "sweep";
        case ValueOrigin::From::command_line: return "command line";
    }
    return "";
}

std::vector<Cell> store_row(const RunOptions& options) {
    const bool option = options.store_from.starts_with("--");
    const char* from = options.store_from.empty() ? "default" : option ? "command line" : "environment";
    return {"store", options.store.string(), from, options.store_from};
}

}  // namespace

int plan_origin_verb(const RunOptions& options, Format format, std::ostream& out) {
    const PluginCatalogue plugins = fetch_catalogue(experiment_plugin_folders(options));
    read_experiment(options.file, options.overrides, plugins);  // which says what is wrong
    Table table({{"key"}, {"value"}, {"from"}, {"where"}});
    for (const ValueOrigin& origin : value_origins(options.file, options.overrides, plugins))
        table.add_row({origin.key, origin.value, words(origin.from), origin.where});
    table.add_row(store_row(options));
    table.print(out, format, screen());
    return exit_ok;
}

}  // namespace marginalia
