// `export`: metrics for other programs.
#include <fmt/format.h>
#include <marginalia/error.h>

#include <iostream>

#include "kernel/base/output_file.h"
#include "kernel/base/printable.h"
#include "kernel/host/results/rows.h"
#include "kernel/host/results/text.h"
#include "kernel/host/run/exit_codes.h"
#include "kernel/host/verbs/lookup.h"
#include "kernel/host/verbs/verbs.h"
#include "store/archive.h"

namespace marginalia {
namespace {

struct ExportOptions {
    std::string trial;             // empty: all of the experiment
    std::string experiment;        // empty: all
    std::string what = "metrics";  // "metrics", "final", "trials" or "store"
    std::filesystem::path file;    // empty: `out`
};

std::string quoted(const std::string& text) {
    std::string out = "'";
    for (const char c : text) {
        if (c == '\'') out += '\'';
        out += c;
    }
    return out + "'";
}

std::string export_sql(const ExportOptions& options, store::Store& store) {
    std::string where;
    if (!options.trial.empty()) {
        where = fmt::format(" WHERE t.trial_id = {}", find_trial(store, options.trial, options.experiment).id);
    } else if (!options.experiment.empty()) {
        where = " WHERE t.experiment = " + quoted(find_experiment(store, options.experiment));
    }
    if (options.what == "trials")
        return "SELECT trial_id, experiment, status, seed, config, config_hash, created, started, finished, device, "
               "host, error "
               "FROM trials t" +
               where + " ORDER BY trial_id";
    if (options.what == "final")
        return "SELECT t.trial_id, t.experiment, t.seed, t.config_hash, f.name, f.value FROM trials t JOIN "
               "final_metrics f "
               "ON f.trial_id = t.trial_id" +
               where + " ORDER BY t.trial_id, f.name";
    return "SELECT t.trial_id, t.experiment, t.seed, t.config_hash, m.name, m.step, m.value, m.time FROM trials t JOIN "
           "metrics m "
           "ON m.trial_id = t.trial_id" +
           where + " ORDER BY t.trial_id, m.name, m.step";
}

// Trials with everything that they have, in a store of their own.
int export_store(store::Store& store, const ExportOptions& options) {
    if (Output::is_standard(options.file)) throw Error("name the new store with --out FILE");
    std::vector<store::TrialId> trials;
    if (!options.trial.empty()) trials.push_back(find_trial(store, options.trial).id);
    else
        for (const auto& trial : store::list_trials(
                 store, {.experiment = options.experiment.empty() ? std::string()
                                                                  : find_experiment(store, options.experiment)}))
            trials.push_back(trial.id);
    store::archive_trials(store.file(), trials, options.file);
    std::cerr << fmt::format("{} copied to {}, a store of its own\n", count_text(trials.size(), "trial"),
                             printable(options.file.string()));
    return trials.empty() ? exit_no_match : exit_ok;
}

int export_verb(const Common& common, const ExportOptions& options, std::ostream& out) {
    store::Store store = store::Store::open_to_read(common.store);
    if (options.what == "store") return export_store(store, options);
    const std::string sql = export_sql(options, store);
    Output output(options.file, out);
    const std::size_t rows =
        print_rows(store, sql, common.format == Format::text ? Format::csv : common.format, output.stream());
    output.commit();
    if (output.is_file())
        std::cerr << fmt::format("{} written to {}\n", count_text(rows, "row"), printable(options.file.string()));
    return rows > 0 ? exit_ok : exit_no_match;
}

}  // namespace

void add_export(CLI::App& app, CommandLine& line) {
    const auto [verb, options] =
        add_store_verb(app, line, "export", "Metrics in long form, for other programs; trials as a store", export_verb);
    verb->add_option("what", options.what,
                     "metrics (every point), final, trials, or store: the trials with everything, in a new store")
        ->check(CLI::IsMember({"metrics", "final", "trials", "store"}));
    CLI::Option* trial =
        verb->add_option("-t,--trial", options.trial, std::string("only this ") + a_trial)->check(names_a_trial);
    verb->add_option("-e,--experiment", options.experiment, "only this experiment's")->excludes(trial);
    verb->add_option("-o,--out", options.file, "file to write; standard output if left out or -");
    add_format(verb, line, "csv or json");
}

}  // namespace marginalia
