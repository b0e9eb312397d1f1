// `score`: log-densities of given states, by an experiment's energy or by a trained model.
#include <marginalia/error.h>

#include "kernel/host/run/catalogue.h"
#include "kernel/host/run/plugin_folders.h"
#include "kernel/host/verbs/ask_model.h"
#include "kernel/spec/experiment.h"

namespace marginalia {
namespace {

InferenceRequest ask_energy(const Common& common, const ScoreOptions& options) {
    const std::string& file = options.model.trial;
    if (options.model.step) throw Error("--step names a checkpoint of a trial; an experiment file has none");
    const auto folders =
        plugin_folders(common.plugin_paths, plugin_folders_of(std::filesystem::path(file), options.overrides));
    const PluginCatalogue catalogue = fetch_catalogue(folders);
    const Experiment experiment = read_experiment(file, options.overrides, catalogue);
    InferenceRequest request;
    request.trial.seed = options.model.seed;
    request.trial.device = options.model.device;
    nlohmann::json& asked = request.trial.config;
    for (const TrialConfig& trial : experiment.trials) {
        if (!trial.config.contains("energy"))
            throw Error(file + " learns from a dataset, which has no log f; score a trained TRIAL instead");
        const nlohmann::json energy = {{"energy", trial.config.at("energy")}};
        if (!asked.is_null() && asked != energy)
            throw Error(file + " sweeps its energy; choose one by an override, as energy.KEY=VALUE");
        asked = energy;
    }
    use_plugins(request, {"energy"}, catalogue);
    return request;
}

}  // namespace

int score_verb(const Common& common, const ScoreOptions& options) {
    const bool by_energy = is_experiment_file(options.model.trial);
    if (!by_energy && !options.overrides.empty())
        throw Error("'" + options.overrides.front() + "' would change an experiment file; a trained trial is as it is");
    InferenceRequest request = by_energy ? ask_energy(common, options) : ask_model(common, options.model);
    request.states = options.states;
    request.batch = options.batch;
    hand_over(request);
}

}  // namespace marginalia
