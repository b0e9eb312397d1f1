#include "kernel/cli/ask_model.h"

#include <fmt/format.h>
#include <marginalia/error.h>
#include <marginalia/files.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kernel/cli/become_worker.h"
#include "kernel/cli/lookup.h"
#include "kernel/config/experiment.h"
#include "kernel/plugins/plugin_host.h"
#include "kernel/schedule/catalogue.h"
#include "kernel/schedule/slots.h"
#include "store/error.h"
#include "store/queries.h"

namespace marginalia {
namespace {

std::string checkpoint_of(store::Store& store, store::TrialId trial, std::optional<std::int64_t> wanted,
                          std::int64_t& step) {
    const auto bytes = wanted ? store.checkpoint_at(trial, *wanted) : store.newest_checkpoint(trial, &step);
    if (!bytes)
        throw store::StoreError(
            store::StoreError::Kind::no_match,
            fmt::format("trial {} has no checkpoint{}; `marginalia show {}` says what it has", trial,
                        wanted ? fmt::format(" of step {}", *wanted) : "", trial));
    if (wanted) step = *wanted;
    return *bytes;
}

// A file without a name that the worker inherits: nothing is left behind whatever happens.
int inherited_file(const std::string& bytes) {
    const int descriptor = ::memfd_create("inference", 0);
    for (std::size_t done = 0; descriptor >= 0 && done < bytes.size();) {
        const ssize_t written = ::write(descriptor, bytes.data() + done, bytes.size() - done);
        if (written < 0) throw Error("cannot hand the checkpoint to the worker; is there memory left?");
        done += static_cast<std::size_t>(written);
    }
    if (descriptor < 0) throw Error("cannot hand the checkpoint to the worker; is there memory left?");
    ::lseek(descriptor, 0, SEEK_SET);
    return descriptor;
}

}  // namespace

bool is_experiment_file(const std::string& what) {
    if (what.find_first_not_of("0123456789") == std::string::npos) return false;
    return has_ending(what, ".toml") || std::filesystem::is_regular_file(what);
}

InferenceRequest ask_model(const Common& common, const ModelOptions& options) {
    if (is_experiment_file(options.trial))
        throw Error(fmt::format("{} is an experiment file, and this asks a trained trial; train one by `marginalia run {}` "
                                "and name it: a number, the prefix of a config hash, last, or best:METRIC",
                                options.trial, options.trial));
    store::Store store = store::Store::open_to_read(common.store);
    const store::TrialDetails details = store::trial_details(store, find_trial(store, options.trial).id);
    std::int64_t step = 0;
    InferenceRequest request;
    request.trial.checkpoint = checkpoint_of(store, details.trial.id, options.step, step);
    request.trial.config = nlohmann::json::parse(details.trial.config);
    request.trial.seed = options.seed;
    request.trial.device = options.device;
    request.label = fmt::format("trial {} ({}), step {}", details.trial.id, details.trial.experiment, step);
    const store::Sweep& sweep = details.sweep;
    const auto folders = plugin_folders(common.plugin_paths, plugin_folders_of(sweep.toml, sweep.file, {}));
    use_plugins(request, {"energy", "dataset", "network", "objective"}, fetch_catalogue(folders));
    return request;
}

void use_plugins(InferenceRequest& request, const std::vector<std::string>& tables, const PluginCatalogue& catalogue) {
    const nlohmann::json& config = request.trial.config;
    for (const std::string& table : tables) {
        if (!config.contains(table)) continue;
        const std::string kind = kind_of_table(table), name = config.at(table).at("plugin");
        const PluginManifest* plugin = catalogue.find(kind, name);
        if (!plugin)
            throw MissingPlugin(
                fmt::format("there is no {} plugin '{}' now; name its folder by --plugin-path (`marginalia plugins` "
                            "lists what there is)",
                            kind, name));
        request.plugin_files.push_back(plugin->path);
    }
}

void hand_over(const InferenceRequest& request) {
    InferenceRequest complete = request;
    complete.trial.threads = available_cores();
    become_worker({"--infer", std::to_string(inherited_file(encode_inference(complete)))});
}

}  // namespace marginalia
