// `reproduce`: a trial's experiment file, and what is not as it was.
#include <fmt/format.h>
#include <marginalia/error.h>

#include <iostream>

#include "kernel/base/output_file.h"
#include "kernel/base/printable.h"
#include "kernel/host/results/text.h"
#include "kernel/host/run/catalogue.h"
#include "kernel/host/run/exit_codes.h"
#include "kernel/host/run/plugin_folders.h"
#include "kernel/host/run/provenance.h"
#include "kernel/host/run/stored_code.h"
#include "kernel/host/verbs/lookup.h"
#include "kernel/host/verbs/provenance_facts.h"
#include "kernel/host/verbs/verbs.h"
#include "kernel/spec/experiment.h"

namespace marginalia {
namespace {

struct ReproduceOptions {
    std::string trial;
    std::filesystem::path file;  // empty: `out`
};

// Starts a worker, as only it can say which plugins there are.
ReadyWorker worker_for(const Common& common, const StoredCode& code) {
    std::vector<std::string> left_out;
    ReadyWorker ready = start_worker(fetch_catalogue(code.plugin_folders(common.plugin_paths, left_out)), 1);
    for (const std::string& folder : left_out)
        std::cerr << fmt::format(
            "not looked into: {}, which the store names and which you have not chosen; give --plugin-path {} or "
            "--trust\n",
            folder, folder);
    return ready;
}

// The record that a run of these plugins would leave now.
std::string provenance_now(const ReadyWorker& ready, const StoredCode& code, const nlohmann::json& config,
                           const store::Sweep& sweep) {
    Experiment experiment;
    experiment.trials.push_back({config, "", 0});
    return provenance_of(surroundings_of(code.covers(sweep.file) ? sweep.file : std::string()), experiment,
                         ready.catalogue, ready.torch.version, {});
}

void print_differences(const std::string& then_record, const std::string& now_record) {
    auto then = provenance_facts(then_record), now = provenance_facts(now_record);
    then.erase("command line");
    now.erase("command line");
    std::size_t count = 0;
    for (const auto& [key, value] : then) {
        const auto found = now.find(key);
        if (found != now.end() && found->second == value) continue;
        ++count;
        std::cerr << fmt::format("differs: {}: then {}, now {}\n", printable(key), printable(value),
                                 found == now.end() ? "missing" : printable(found->second));
    }
    for (const auto& [key, value] : now) {
        if (then.contains(key)) continue;
        ++count;
        std::cerr << fmt::format("differs: {}: then not recorded, now {}\n", printable(key), printable(value));
    }
    if (count == 0) std::cerr << "nothing differs: same code, versions, plugins and machine\n";
}

int reproduce_verb(const Common& common, const ReproduceOptions& options, std::ostream& out) {
    store::Store store = store::Store::open_to_read(common.store);
    const store::TrialDetails details = store::trial_details(store, find_trial(store, options.trial).id);
    const StoredCode code(details.sweep, common.trust);
    const ReadyWorker ready = worker_for(common, code);
    const nlohmann::json config = completed(nlohmann::json::parse(details.trial.config), ready.catalogue);
    write_out(options.file, to_toml(details.trial.experiment, config, details.trial.seed), out);
    print_differences(details.sweep.provenance, provenance_now(ready, code, config, details.sweep));
    return exit_ok;
}

}  // namespace

void add_reproduce(CLI::App& app, CommandLine& line) {
    const auto [verb, options] = add_store_verb(
        app, line, "reproduce", "A trial's experiment file, and what differs now from when it ran", reproduce_verb);
    verb->add_option("trial", options.trial, a_trial)->required()->check(names_a_trial);
    verb->add_option("-o,--out", options.file, "file to write; standard output if left out or -");
}

}  // namespace marginalia
