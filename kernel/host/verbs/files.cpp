// `checkpoint export`, `report` and `reproduce`: verbs that write a file.
#include <fmt/format.h>
#include <marginalia/error.h>

#include <iostream>

#include "kernel/base/output_file.h"
#include "kernel/base/printable.h"
#include "kernel/base/standard_output.h"
#include "kernel/host/results/html.h"
#include "kernel/host/results/text.h"
#include "kernel/host/run/catalogue.h"
#include "kernel/host/run/plugin_folders.h"
#include "kernel/host/run/provenance.h"
#include "kernel/host/run/stored_code.h"
#include "kernel/host/verbs/ask_model.h"
#include "kernel/host/verbs/exit_codes.h"
#include "kernel/host/verbs/lookup.h"
#include "kernel/host/verbs/provenance_facts.h"
#include "kernel/host/verbs/verbs.h"
#include "kernel/spec/experiment.h"

namespace marginalia {
namespace {

// The record that a run of these plugins would leave now. Starts a worker, as only it can say which plugins there are.
std::string provenance_now(const Common& common, const store::Trial& trial, const store::Sweep& sweep) {
    const StoredCode code(sweep, common.trust);
    std::vector<std::string> left_out;
    ReadyWorker ready = start_worker(code.plugin_folders(common.plugin_paths, left_out), 1);
    for (const std::string& folder : left_out)
        std::cerr << fmt::format(
            "not looked into: {}, which the store names and which you have not chosen; give --plugin-path {} or "
            "--trust\n",
            folder, folder);
    Experiment experiment;
    TrialConfig config;
    config.config = nlohmann::json::parse(trial.config);
    experiment.trials.push_back(std::move(config));
    return provenance_of(surroundings_of(code.covers(sweep.file) ? sweep.file : std::string()), experiment,
                         ready.catalogue, ready.torch.version, {});
}

void write_out(const std::filesystem::path& file, const std::string& bytes, std::ostream& out) {
    Output output(file, out);
    output.stream() << bytes;
    output.commit();
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

}  // namespace

int checkpoint_export_verb(const Common& common, const CheckpointOptions& options) {
    if (options.file == "-") refuse_terminal("a checkpoint");
    InferenceRequest request = ask_model(common, {options.trial, options.step, 0, "cpu"});
    request.verb = InferenceRequest::Verb::export_model;
    request.output.file = options.file.string();
    if (options.file.empty())
        request.output.file = fmt::format("trial-{}-step-{}.pt", request.trial_number, request.trial.checkpoint_step);
    request.label += "; open it with torch.jit.load";
    hand_over(request);
}

int report_verb(const Common& common, const ReportOptions& options, std::ostream& out) {
    store::Store store = store::Store::open_to_read(common.store);
    const std::string experiment = find_experiment(store, options.experiment);
    const std::filesystem::path file =
        options.file.empty() ? std::filesystem::path(file_name_of(experiment) + ".html") : options.file;
    const std::string page = report_page(store, experiment);
    write_out(file, page, out);
    std::cerr << fmt::format("report on {} ({}); open it in any browser, no network needed\n", printable(experiment),
                             bytes_text(page.size()));
    if (!Output::is_standard(file)) out << file.string() << '\n';
    return exit_ok;
}

int reproduce_verb(const Common& common, const ReproduceOptions& options, std::ostream& out) {
    store::Store store = store::Store::open_to_read(common.store);
    const store::TrialDetails details = store::trial_details(store, find_trial(store, options.trial).id);
    const std::string toml =
        to_toml(details.trial.experiment, nlohmann::json::parse(details.trial.config), details.trial.seed);
    write_out(options.file, toml, out);
    print_differences(details.sweep.provenance, provenance_now(common, details.trial, details.sweep));
    return exit_ok;
}

}  // namespace marginalia
