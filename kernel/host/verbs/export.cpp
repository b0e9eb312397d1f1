// `export`: metrics for other programs.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <marginalia/error.h>

#include <algorithm>
#include <iostream>
#include <span>

#include "kernel/base/output_file.h"
#include "kernel/base/printable.h"
#include "kernel/host/results/rows.h"
#include "kernel/host/results/text.h"
#include "kernel/host/results/where.h"
#include "kernel/host/run/exit_codes.h"
#include "kernel/host/verbs/export_tensorboard.h"
#include "kernel/host/verbs/lookup.h"
#include "kernel/host/verbs/stores.h"
#include "kernel/host/verbs/verbs.h"
#include "store/archive.h"

namespace marginalia {
namespace {

constexpr const char* footer_of_metrics_export =
    R"(Formats: csv and json, a row or object each; tensorboard, a folder of runs, one a trial. Parquet is written from Python:
  python3 -c 'import marginalia; marginalia.open("marginalia.db").curves().to_parquet("metrics.parquet")'

Examples:
  marginalia export final --where 'status = done' -o final.csv
  marginalia export --format tensorboard -o runs && tensorboard --logdir runs)";

struct ExportOptions {
    std::string trial;             // empty: all of the experiment
    std::string experiment;        // empty: all
    std::string where;             // empty: all
    std::string what = "metrics";  // "metrics", "final", "trials" or "store"
    std::string format = "csv";    // "csv", "json" or "tensorboard"
    std::filesystem::path file;    // empty: `out`
};

using Trials = std::vector<store::TrialId>;

// The trials that are asked for, by number; nothing of them is read but that.
Trials trials_of(store::Store& store, const ExportOptions& options, const std::string& trial) {
    if (!trial.empty()) return {find_trial(store, trial, options.experiment).id};
    const std::string experiment = options.experiment.empty() ? "" : find_experiment(store, options.experiment);
    const std::optional<Trials> only = chosen_by(store, options.where);
    Trials all = store::trial_ids(store, experiment);
    if (only)
        std::erase_if(all, [&](store::TrialId id) { return !std::binary_search(only->begin(), only->end(), id); });
    return all;
}

// Rows come in the order of the indexes, so that none is held to be sorted.
std::string select(const std::string& what) {
    if (what == "trials")
        return "SELECT trial_id, experiment, status, seed, config, config_hash, created, started, finished, device, "
               "host, error FROM trials t WHERE t.trial_id IN ({}) ORDER BY trial_id";
    if (what == "final")
        return "SELECT t.trial_id, t.experiment, t.seed, t.config_hash, n.name, f.value FROM trials t "
               "CROSS JOIN metric_name n CROSS JOIN final_metrics f ON f.trial_id = t.trial_id AND f.name = n.name "
               "WHERE t.trial_id IN ({}) ORDER BY t.trial_id, n.name";
    return "SELECT t.trial_id, t.experiment, t.seed, t.config_hash, n.name, m.step, m.value, m.time FROM trials t "
           "CROSS JOIN metric_name n CROSS JOIN metrics m ON m.trial_id = t.trial_id AND m.name = n.name "
           "WHERE t.trial_id IN ({}) ORDER BY t.trial_id, n.name, m.step";
}

void print_rows(RowPrinter& printer, OpenStore& from, const Trials& trials, const std::string& what) {
    constexpr std::size_t at_once = 1000;  // of a statement, whose length is bounded
    std::size_t begin = 0;
    do {
        const auto some = std::span(trials).subspan(begin, std::min(at_once, trials.size() - begin));
        printer.add(from.store, fmt::format(fmt::runtime(select(what)), fmt::join(some, ",")), {}, from.name);
        begin += at_once;
    } while (begin < trials.size());
}

// The line of Python that writes what was asked for.
[[noreturn]] void refuse_parquet(const Common& common, const ExportOptions& options) {
    const std::string table = options.what == "metrics" ? "curves()"
                              : options.what == "final" ? "final_metrics()"
                                                        : "results(\"all\")";
    const std::string file = options.file.empty() ? options.what + ".parquet" : options.file.string();
    const std::string code =
        fmt::format("import marginalia; marginalia.open({}).{}.to_parquet({})",
                    nlohmann::json(common.store.string()).dump(), table, nlohmann::json(file).dump());
    throw Error(
        fmt::format("Parquet is written from Python, where pandas and pyarrow are installed (docs/python.md): "
                    "python3 -c {}",
                    shell_word(code)));
}

struct Source {
    OpenStore* store;
    Trials trials;
};

std::vector<Source> sources_of(std::vector<OpenStore>& stores, const ExportOptions& options) {
    if (!options.trial.empty()) {
        const auto [store, name] = store_of(stores, options.trial);
        return {{store, trials_of(store->store, options, name)}};
    }
    std::vector<Source> sources;
    for (OpenStore& each : stores) sources.push_back({&each, trials_of(each.store, options, "")});
    return sources;
}

int export_events(const std::vector<Source>& sources, bool several, const ExportOptions& options) {
    if (options.what != "metrics")
        throw Error("--format tensorboard writes curves and final figures together; leave out '" + options.what + "'");
    if (Output::is_standard(options.file)) throw Error("--format tensorboard writes a folder; name it by --out FOLDER");
    std::size_t runs = 0;
    for (const Source& source : sources)
        runs += export_tensorboard(source.store->store, source.trials,
                                   several ? options.file / file_name_of(source.store->name) : options.file);
    if (runs == 0) std::cerr << "none of these trials has recorded anything\n";
    else
        std::cerr << fmt::format("{} written to {}; look at them by: tensorboard --logdir {}\n",
                                 count_text(runs, "run"), printable(options.file.string()),
                                 printable(shell_word(options.file.string())));
    return runs > 0 ? exit_ok : exit_no_match;
}

// Trials with everything that they have, in a store of their own.
int export_store(std::vector<OpenStore>& stores, const ExportOptions& options) {
    if (Output::is_standard(options.file)) throw Error("name the new store with --out FILE");
    if (stores.size() > 1)
        throw Error("a new store is made of one; name one --store, and bring others in with marginalia merge");
    store::Store& store = stores.front().store;
    const Trials trials = trials_of(store, options, options.trial);
    store::archive_trials(store.file(), trials, options.file);
    std::cerr << fmt::format("{} copied to {}, a store of its own\n", count_text(trials.size(), "trial"),
                             printable(options.file.string()));
    return trials.empty() ? exit_no_match : exit_ok;
}

int export_verb(const Common& common, const ExportOptions& options, std::ostream& out) {
    if (options.format == "parquet") refuse_parquet(common, options);
    std::vector<OpenStore> stores = open_stores(common);
    if (options.what == "store") return export_store(stores, options);
    const std::vector<Source> sources = sources_of(stores, options);
    if (options.format == "tensorboard") return export_events(sources, stores.size() > 1, options);
    Output output(options.file, out);
    RowPrinter printer(format_named(options.format), output.stream(), stores.size() > 1 ? "store" : "");
    for (const Source& source : sources) print_rows(printer, *source.store, source.trials, options.what);
    const std::size_t rows = printer.finish();
    output.commit();
    if (output.is_file())
        std::cerr << fmt::format("{} written to {}\n", count_text(rows, "row"), printable(options.file.string()));
    return rows > 0 ? exit_ok : exit_no_match;
}

}  // namespace

void add_export(CLI::App& app, CommandLine& line) {
    const auto [verb, options] =
        add_store_verb(app, line, "export", "Metrics in long form, for other programs; trials as a store", export_verb);
    verb->footer(footer_of_metrics_export);
    verb->add_option("what", options.what,
                     "metrics (every point), final, trials, or store: the trials with everything, in a new store")
        ->check(CLI::IsMember({"metrics", "final", "trials", "store"}));
    CLI::Option* trial =
        verb->add_option("-t,--trial", options.trial, std::string("only this ") + a_trial)->check(names_a_trial);
    verb->add_option("-e,--experiment", options.experiment, "only this experiment's")->excludes(trial);
    add_where(verb, options.where)->excludes(trial);
    verb->add_option("-o,--out", options.file, "file or folder to write; standard output if left out or -");
    verb->add_option("--format", options.format, "csv, json or tensorboard")
        ->check(CLI::IsMember({"csv", "json", "tensorboard", "parquet"}));
    line.take_stores.insert(verb);
}

}  // namespace marginalia
