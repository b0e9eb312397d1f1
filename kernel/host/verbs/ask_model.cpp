#include "kernel/host/verbs/ask_model.h"

#include <fmt/format.h>
#include <marginalia/error.h>
#include <marginalia/files.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernel/base/printable.h"
#include "kernel/host/run/catalogue.h"
#include "kernel/host/run/plugin_folders.h"
#include "kernel/host/run/processors.h"
#include "kernel/host/run/stored_code.h"
#include "kernel/host/verbs/become_worker.h"
#include "kernel/host/verbs/lookup.h"
#include "kernel/spec/experiment.h"
#include "kernel/spec/family.h"
#include "kernel/spec/metrics.h"
#include "store/error.h"
#include "store/queries.h"

namespace marginalia {
namespace {

store::StoredCheckpoint checkpoint_of(store::Store& store, store::TrialId trial, std::optional<std::int64_t> wanted) {
    const auto found = store.find_checkpoint(trial, wanted);
    if (!found)
        throw store::StoreError(store::StoreError::Kind::no_match,
                                fmt::format("trial {} has no checkpoint{}; `marginalia show {}` says what it has",
                                            trial, wanted ? fmt::format(" of step {}", *wanted) : "", trial));
    return *found;
}

// The config of a trial whose model can be built. A row that `recover` stood in for a lost one has an empty one.
nlohmann::json model_config(const store::Trial& trial) {
    nlohmann::json config = nlohmann::json::parse(trial.config, nullptr, false);
    if (config.contains("network") && config.contains("objective") &&
        (config.contains("energy") || config.contains("dataset")))
        return config;
    throw store::StoreError(store::StoreError::Kind::no_match,
                            fmt::format("trial {} has no config to build its model from, as after `marginalia recover` "
                                        "where that was lost; run its file again",
                                        trial.id));
}

// log Z of an energy, by its label in a family, as the trial's evaluation has it: exactly, else by importance.
void give_log_z(FiguresRequest& request, const std::vector<store::FinalMetric>& finals, const std::string& label) {
    const auto value = [&](const std::string& name) {
        const auto found = std::ranges::find(finals, member_metric(name, label), &store::FinalMetric::name);
        return found == finals.end() || !std::isfinite(found->value) ? std::numeric_limits<double>::quiet_NaN()
                                                                     : found->value;
    };
    request.log_z = value("log_z_exact");
    if (!std::isnan(request.log_z)) return;
    request.log_z_stderr = value("log_z_importance_stderr");
    if (!std::isnan(request.log_z_stderr)) request.log_z = value("log_z_importance");
}

// Takes the energy that is asked about into the request; its label.
std::string give_condition(InferenceRequest& request, const std::vector<std::string>& conditions,
                           const PluginCatalogue& catalogue) {
    std::string& condition = request.trial.condition;
    for (const std::string& each : conditions) condition += (condition.empty() ? "" : ";") + each;
    if (!request.trial.settings.has("energy")) {
        if (condition.empty()) return "";
        throw Error("--condition is of an energy, and this trial learnt from a dataset; leave it out");
    }
    const PluginManifest* energy = catalogue.find("energy", request.trial.settings.plugin("energy").plugin);
    Family family(request.trial.settings, energy->parameters);
    return family.members()[family.find_or_add(condition)].label;
}

// A file without a name that the worker inherits: nothing is left behind whatever happens.
class InheritedFile {
public:
    InheritedFile() : descriptor_(::memfd_create("inference", 0)) {
        if (descriptor_ < 0) fail();
    }
    void add(std::string_view bytes) const {
        while (!bytes.empty()) {
            const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
            if (written < 0) fail();
            bytes.remove_prefix(static_cast<std::size_t>(written));
        }
    }
    int to_be_read() const {
        ::lseek(descriptor_, 0, SEEK_SET);
        return descriptor_;
    }

private:
    [[noreturn]] static void fail() { throw Error("cannot hand the checkpoint to the worker; is there memory left?"); }
    const int descriptor_;
};

}  // namespace

bool is_experiment_file(const std::string& what) {
    if (what.find_first_not_of("0123456789") == std::string::npos) return false;
    return has_ending(what, ".toml") || std::filesystem::is_regular_file(what);
}

InferenceRequest ask_model(const Common& common, const ModelOptions& options) {
    if (is_experiment_file(options.trial))
        throw Error(
            fmt::format("{} is an experiment file, and this needs a trained trial; train one by `marginalia run {}` "
                        "and name it: a number, the prefix of a config hash, last, or best:METRIC",
                        options.trial, options.trial));
    store::Store store = store::Store::open_to_read(common.store);
    const store::TrialDetails details = store::trial_details(store, find_trial(store, options.trial).id);
    const store::StoredCheckpoint checkpoint = checkpoint_of(store, details.trial.id, options.step);
    const InheritedFile file;
    store.read_checkpoint(checkpoint, [&file](std::string_view piece) { file.add(piece); });
    InferenceRequest request;
    request.checkpoint_descriptor = file.to_be_read();
    const nlohmann::json config = model_config(details.trial);
    request.trial.settings = config;
    request.trial_number = details.trial.id;
    request.step = checkpoint.step;
    request.trial.seed = options.seed;
    request.trial.device = options.device;
    request.passes = options.passes;
    request.precision = options.precision;
    request.label = fmt::format("trial {} ({}), step {}", details.trial.id, details.trial.experiment, checkpoint.step);
    const StoredCode code(details.sweep, common.trust);
    const PluginCatalogue catalogue = fetch_catalogue(code.plugin_folders(common.plugin_paths));
    code.require_scripts(config, catalogue);
    use_plugins(request, {"energy", "dataset", "network", "objective"}, catalogue);
    const std::string label = give_condition(request, options.conditions, catalogue);
    give_log_z(request.figures, details.final_metrics, label);
    if (!label.empty()) request.label += ", " + label;
    return request;
}

InferenceRequest ask_model(const Common& common, const InferenceOptions& options, InferenceRequest::Verb verb,
                           const OutputRequest& output) {
    InferenceRequest request = ask_model(common, options.model);
    request.verb = verb;
    give_states(request, options.states);
    request.batch = options.batch;
    request.output = output;
    return request;
}

void give_states(InferenceRequest& request, const std::string& states) {
    std::error_code no_file;  // as for a state that is too long for a name
    request.states = states;
    request.states_are_text = states != "-" && !std::filesystem::exists(states, no_file);
}

void use_plugins(InferenceRequest& request, const std::vector<std::string>& tables, const PluginCatalogue& catalogue) {
    for (const std::string& table : tables) {
        if (!request.trial.settings.has(table)) continue;
        const std::string kind = kind_of_table(table), name = request.trial.settings.plugin(table).plugin;
        const PluginManifest* plugin = catalogue.find(kind, name);
        if (!plugin)
            throw MissingPlugin(
                fmt::format("there is no {} plugin '{}' now; name its folder by --plugin-path (`marginalia plugins` "
                            "lists what there is)",
                            kind, printable(name)));
        request.plugin_files.push_back(plugin->path);
    }
}

void hand_over(const InferenceRequest& request) {
    InferenceRequest complete = request;
    complete.trial.threads = available_cores();
    const InheritedFile file;
    std::string bytes;
    nlohmann::json::to_cbor(complete, bytes);
    file.add(bytes);
    become_worker({"--infer", std::to_string(file.to_be_read())});
}

}  // namespace marginalia
