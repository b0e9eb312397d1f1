// `report`: a page about an experiment.
#include <fmt/format.h>

#include <iostream>

#include "kernel/base/output_file.h"
#include "kernel/base/printable.h"
#include "kernel/host/results/html.h"
#include "kernel/host/results/text.h"
#include "kernel/host/run/exit_codes.h"
#include "kernel/host/verbs/lookup.h"
#include "kernel/host/verbs/verbs.h"

namespace marginalia {
namespace {

struct ReportOptions {
    std::string experiment;      // empty: that of the newest run
    std::filesystem::path file;  // empty: EXPERIMENT.html
    std::string where;           // empty: all
};

int report_verb(const Common& common, const ReportOptions& options, std::ostream& out) {
    store::Store store = store::Store::open_to_read(common.store);
    const std::string experiment = find_experiment(store, options.experiment);
    const std::filesystem::path file =
        options.file.empty() ? std::filesystem::path(file_name_of(experiment) + ".html") : options.file;
    const std::string page = report_page(store, experiment, options.where);
    write_out(file, page, out);
    std::cerr << fmt::format("report on {} ({}); open it in any browser, no network needed\n", printable(experiment),
                             bytes_text(page.size()));
    if (!Output::is_standard(file)) out << file.string() << '\n';
    return exit_ok;
}

}  // namespace

void add_report(CLI::App& app, CommandLine& line) {
    const auto [verb, options] =
        add_store_verb(app, line, "report", "One self-contained HTML page about an experiment", report_verb);
    add_experiment(verb, options.experiment);
    verb->add_option("-o,--out", options.file, "file to write, - for standard output; EXPERIMENT.html if left out");
    add_where(verb, options.where);
}

}  // namespace marginalia
