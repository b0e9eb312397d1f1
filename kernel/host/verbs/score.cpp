// `score`: log-densities of given states, by an experiment's energy or by a trained model.
#include <marginalia/error.h>

#include "kernel/host/run/catalogue.h"
#include "kernel/host/run/plugin_folders.h"
#include "kernel/host/verbs/ask_model.h"
#include "kernel/host/verbs/output_choice.h"
#include "kernel/host/verbs/verbs.h"
#include "kernel/spec/experiment.h"

namespace marginalia {
namespace {

constexpr const char* footer_of_score =
    R"(Of an experiment file, full states by its energy:
  log_f          log f(x) in nats, not normalised; then the energy's observables
Of a trained TRIAL, full or partial states by its model, unknown sites as _ or □ (K or -1 in .npy):
  log_marginal   log p of what is known, in nats, from one pass of the network; only where the
                 objective trains it (ao-arm does not)
  log_density    the same by a chain of conditionals, one known site after another in a random order (--seed)
Their difference is how far the model's two heads disagree.

  .csv    row, and these figures; for a pipe and a terminal too
  .json   an object a line: row, text, and these figures
  .npy    float64 (n, figures)

Examples:
  printf '0110\n' | marginalia score experiment.toml --states -
  printf '01__\n' | marginalia score best:kl --states -
  marginalia score best:kl --states rows.npy -o densities.npy)";

constexpr FormatName score_formats[] = {
    {"csv", StateFormat::csv}, {"json", StateFormat::json}, {"npy", StateFormat::npy}};

// The trial may be an experiment file.
struct ScoreOptions : InferenceOptions {
    std::vector<std::string> overrides;  // of the experiment file
};

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
    for (const TrialConfig& trial : experiment.trials) {
        const auto energy = trial.config.find("energy");
        if (energy == trial.config.end())
            throw Error(file + " learns from a dataset, which has no log f; score a trained TRIAL instead");
        if (*energy != *experiment.trials.front().config.find("energy"))
            throw Error(file + " sweeps its energy; choose one by an override, as energy.KEY=VALUE");
        request.trial.settings.plugins["energy"] = *energy;
    }
    use_plugins(request, {"energy"}, catalogue);
    request.label = file;
    return request;
}

int score_verb(const Common& common, const ScoreOptions& options, std::ostream&) {
    const bool by_energy = is_experiment_file(options.model.trial);
    if (!by_energy && !options.overrides.empty())
        throw Error("'" + options.overrides.front() +
                    "' would change an experiment file; a trained trial cannot be changed");
    if (by_energy && options.model.passes > 0)
        throw Error("--passes is of a model's network, and an energy has none; give it with a trained trial");
    if (by_energy && !options.model.conditions.empty())
        throw Error("--condition is of a trained model; give an experiment file an override, as energy.KEY=VALUE");
    const OutputRequest output = choose_output(options.format, options.file, score_formats, false);
    InferenceRequest request = by_energy ? ask_energy(common, options) : ask_model(common, options.model);
    give_states(request, options.states);
    request.batch = options.batch;
    request.output = output;
    hand_over(request);
}

}  // namespace

void add_score(CLI::App& app, CommandLine& line) {
    const auto [verb, options] = add_store_verb(
        app, line, "score", "Log-densities of given states, by an energy or a trained model", score_verb);
    verb->footer(footer_of_score);
    verb->add_option("what", options.model.trial, std::string("experiment file, or ") + a_trial)
        ->required()
        ->check(names_a_trial);
    verb->add_option("overrides", options.overrides, "key=value, of an experiment file");
    add_states(verb, options.states);
    add_output_options(verb, options, "csv, json or npy, whatever the file's ending");
    add_drawing_options(verb, options.model);
    add_model_options(verb, options.model, "draws the order of the conditionals");
}

}  // namespace marginalia
