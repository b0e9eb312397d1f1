// `score`: log-densities of given states, by an experiment's energy or by a trained model.
#include <fmt/format.h>
#include <marginalia/error.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kernel/cli/become_worker.h"
#include "kernel/cli/verbs.h"
#include "kernel/config/experiment.h"
#include "kernel/plugins/plugin_host.h"
#include "kernel/schedule/catalogue.h"
#include "kernel/schedule/slots.h"
#include "kernel/worker/protocol.h"
#include "store/error.h"
#include "store/queries.h"

namespace marginalia {
namespace {

// What the worker is to score with, and the plugin files it takes.
struct Asked {
    TrialRequest request;
    std::vector<std::string> plugin_files;
};

// A number is a trial, whatever files there are.
bool is_experiment_file(const std::string& what) {
    if (what.find_first_not_of("0123456789") == std::string::npos) return false;
    return what.ends_with(".toml") || std::filesystem::is_regular_file(what);
}

void use_plugins(Asked& asked, const std::vector<std::string>& tables, const PluginCatalogue& catalogue) {
    for (const std::string& table : tables) {
        if (!asked.request.config.contains(table)) continue;
        const std::string kind = kind_of_table(table), name = asked.request.config.at(table).at("plugin");
        const PluginManifest* plugin = catalogue.find(kind, name);
        if (!plugin)
            throw MissingPlugin(
                fmt::format("there is no {} plugin '{}' now; name its folder by --plugin-path (`marginalia plugins` "
                            "lists what there is)",
                            kind, name));
        asked.plugin_files.push_back(plugin->path);
    }
}

Asked energy_of(const Common& common, const ScoreOptions& options) {
    if (options.step) throw Error("--step names a checkpoint of a trial; an experiment file has none");
    const auto folders =
        plugin_folders(common.plugin_paths, plugin_folders_of(std::filesystem::path(options.what), options.overrides));
    const PluginCatalogue catalogue = fetch_catalogue(folders);
    const Experiment experiment = read_experiment(options.what, options.overrides, catalogue);
    Asked asked;
    for (const TrialConfig& trial : experiment.trials) {
        if (!trial.config.contains("energy"))
            throw Error(options.what + " learns from a dataset, which has no log f; score a trained TRIAL instead");
        const nlohmann::json energy = {{"energy", trial.config.at("energy")}};
        if (!asked.request.config.is_null() && asked.request.config != energy)
            throw Error(options.what + " sweeps its energy; choose one by an override, as energy.KEY=VALUE");
        asked.request.config = energy;
    }
    use_plugins(asked, {"energy"}, catalogue);
    return asked;
}

Asked model_of(const Common& common, const ScoreOptions& options) {
    if (!options.overrides.empty())
        throw Error("'" + options.overrides.front() + "' would change an experiment file; a trained trial is as it is");
    store::Store store = store::Store::open_to_read(common.store);
    const store::TrialDetails details = store::trial_details(store, store::resolve_trial(store, options.what).id);
    const store::TrialId trial = details.trial.id;
    const auto bytes = options.step ? store.checkpoint_at(trial, *options.step) : store.newest_checkpoint(trial);
    if (!bytes)
        throw store::StoreError(
            store::StoreError::Kind::no_match,
            fmt::format("trial {} has no checkpoint{}; `marginalia show {}` says what it has", trial,
                        options.step ? fmt::format(" of step {}", *options.step) : "", trial));
    Asked asked;
    asked.request.config = nlohmann::json::parse(details.trial.config);
    asked.request.checkpoint = *bytes;
    const store::Sweep& sweep = details.sweep;
    const auto folders = plugin_folders(common.plugin_paths, plugin_folders_of(sweep.toml, sweep.file, {}));
    use_plugins(asked, {"energy", "dataset", "network", "objective"}, fetch_catalogue(folders));
    return asked;
}

// A file without a name that the worker inherits: nothing is left behind whatever happens.
int inherited_file(const std::string& bytes) {
    const int descriptor = ::memfd_create("score", 0);
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

int score_verb(const Common& common, const ScoreOptions& options) {
    Asked asked = is_experiment_file(options.what) ? energy_of(common, options) : model_of(common, options);
    asked.request.seed = options.seed;
    asked.request.device = options.device;
    asked.request.threads = available_cores();
    std::vector<std::string> words = {"--score", std::to_string(inherited_file(encode_trial(asked.request))),
                                      options.states};
    words.insert(words.end(), asked.plugin_files.begin(), asked.plugin_files.end());
    become_worker(words);
}

}  // namespace marginalia
