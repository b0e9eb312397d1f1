// `report`: a page about an experiment.
#include <fmt/format.h>

#include <iostream>

#include "kernel/base/output_file.h"
#include "kernel/base/printable.h"
#include "kernel/host/page/report.h"
#include "kernel/host/results/text.h"
#include "kernel/host/run/exit_codes.h"
#include "kernel/host/verbs/lookup.h"
#include "kernel/host/verbs/verbs.h"

namespace marginalia {
namespace {

constexpr const char* footer_of_report =
    R"(The page of `marginalia serve` as one file, which any browser opens without a network: configurations, trials, their
figures, how they were made. Curves, samples and details are those of the best trials of each target, or of --trials.

Examples:
  marginalia report
  marginalia report ising-6x6 --where 'kl < 0.1' -o best.html
  marginalia report ising-6x6 --trials 3,7,12)";

struct ReportOptions {
    std::string experiment;           // empty: that of the newest run
    std::filesystem::path file;       // empty: EXPERIMENT.html
    std::string where;                // empty: all
    std::vector<std::string> trials;  // empty: the best
};

int report_verb(const Common& common, const ReportOptions& options, std::ostream& out) {
    store::Store store = store::Store::open_to_read(common.store);
    const std::string experiment = find_experiment(store, options.experiment);
    const std::filesystem::path file =
        options.file.empty() ? std::filesystem::path(file_name_of(experiment) + ".html") : options.file;
    const std::string page = page::report_page(store, {experiment, options.where, find_trials(store, options.trials)});
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
    verb->add_option("experiment", options.experiment, "its name; the newest if left out");
    verb->add_option("-o,--out", options.file, "file to write, - for standard output; EXPERIMENT.html if left out");
    add_where(verb, options.where);
    add_names(verb, "--trials", options.trials, "these alone, divided by commas: 3,7,12");
    verb->footer(footer_of_report);
}

}  // namespace marginalia
