// `checkpoint export`, `report` and `reproduce`: verbs that write a file.
#include <fmt/format.h>
#include <marginalia/error.h>

#include <iostream>

#include "kernel/cli/exit_codes.h"
#include "kernel/cli/lookup.h"
#include "kernel/cli/provenance_facts.h"
#include "kernel/cli/verbs.h"
#include "kernel/config/experiment.h"
#include "kernel/plugins/plugin_host.h"
#include "kernel/report/html.h"
#include "kernel/report/text.h"
#include "kernel/schedule/catalogue.h"
#include "kernel/schedule/provenance.h"
#include "store/error.h"

namespace marginalia {
namespace {

using store::StoreError;

// The record that a run of these plugins would leave now. Starts a worker, as only it can say which plugins there are.
std::string provenance_now(const Common& common, const store::Trial& trial, const store::Sweep& sweep) {
    ReadyWorker ready =
        start_worker(plugin_folders(common.plugin_paths, plugin_folders_of(sweep.toml, sweep.file, {})), 1);
    Experiment experiment;
    TrialConfig config;
    config.config = nlohmann::json::parse(trial.config);
    experiment.trials.push_back(std::move(config));
    return provenance_of(surroundings_of(sweep.file), experiment, ready.catalogue, ready.torch.version, {});
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
        std::cerr << fmt::format("differs: {}: then {}, now {}\n", key, value,
                                 found == now.end() ? "missing" : found->second);
    }
    for (const auto& [key, value] : now) {
        if (then.contains(key)) continue;
        ++count;
        std::cerr << fmt::format("differs: {}: then not recorded, now {}\n", key, value);
    }
    if (count == 0) std::cerr << "nothing differs: same code, versions, plugins and machine\n";
}

}  // namespace

int checkpoint_export_verb(const Common& common, const CheckpointOptions& options, std::ostream& out) {
    store::Store store = store::Store::open_to_read(common.store);
    const store::Trial trial = find_trial(store, options.trial);
    std::int64_t step = options.step.value_or(-1);
    const std::optional<std::string> bytes =
        options.step ? store.checkpoint_at(trial.id, *options.step) : store.newest_checkpoint(trial.id, &step);
    if (!bytes) {
        std::string steps;
        for (const store::CheckpointInfo& info : store::list_checkpoints(store, trial.id))
            steps += (steps.empty() ? "; it has one of step " : ", ") + std::to_string(info.step);
        throw StoreError(StoreError::Kind::no_match,
                         fmt::format("trial {} has no checkpoint{}{}", trial.id,
                                     options.step ? fmt::format(" of step {}", *options.step) : "", steps));
    }
    const std::filesystem::path file =
        options.file.empty() ? std::filesystem::path(fmt::format("trial-{}-step-{}.pt", trial.id, step)) : options.file;
    write_atomically(file, *bytes);
    std::cerr << fmt::format("trial {}, step {}, {}; open it with torch.jit.load\n", trial.id, step,
                             bytes_text(bytes->size()));
    out << file.string() << '\n';
    return exit_ok;
}

int report_verb(const Common& common, const ReportOptions& options, std::ostream& out) {
    store::Store store = store::Store::open_to_read(common.store);
    const std::string experiment = find_experiment(store, options.experiment);
    const std::filesystem::path file =
        options.file.empty() ? std::filesystem::path(file_stem(experiment) + ".html") : options.file;
    const std::string page = report_page(store, experiment);
    write_atomically(file, page);
    std::cerr << fmt::format("report on {} ({}); open it in any browser, no network needed\n", experiment,
                             bytes_text(page.size()));
    out << file.string() << '\n';
    return exit_ok;
}

int reproduce_verb(const Common& common, const ReproduceOptions& options, std::ostream& out) {
    store::Store store = store::Store::open_to_read(common.store);
    const store::TrialDetails details = store::trial_details(store, find_trial(store, options.trial).id);
    const std::string toml =
        to_toml(details.trial.experiment, nlohmann::json::parse(details.trial.config), details.trial.seed);
    if (options.file.empty())
        out << toml << std::flush;
    else
        write_atomically(options.file, toml);
    print_differences(details.sweep.provenance, provenance_now(common, details.trial, details.sweep));
    return exit_ok;
}

}  // namespace marginalia
