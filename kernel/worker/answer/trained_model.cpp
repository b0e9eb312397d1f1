#include "kernel/worker/answer/trained_model.h"

#include <ATen/ATen.h>

#include "kernel/worker/checkpoint/checkpoint.h"
#include "kernel/worker/model/as_trained.h"
#include "kernel/worker/train/optimizer.h"

namespace marginalia {
namespace {

constexpr std::uint64_t inference_stream = 3;  // of the request's seed

void use_averages(const TrialParts& parts, const TrainSettings& train, const StateDict& state) {
    std::vector<at::Tensor> parameters = parts.network->parameters();
    for (const at::Tensor& own : parts.own_parameters()) parameters.push_back(own);
    Optimizer optimizer(std::move(parameters), train);
    check_state("optimizer", optimizer.state(), state);
    optimizer.load(state);
    optimizer.swap_average();
}

std::unique_ptr<Model> in_few_passes(const TrainedModel& trained, const TrialSettings& settings, std::int64_t passes) {
    if (!is_any_order(*trained.model))
        throw Error("--passes is for models that are drawn site by site in any order; that of objective '" +
                    settings.plugin("objective").plugin + "' with network '" + settings.plugin("network").plugin +
                    "' is not, so leave --passes out");
    return few_pass_model(*trained.parts.network, passes);
}

}  // namespace

TrainedModel load_model(const InferenceRequest& request, const PluginHost& plugins, const Tick& tick) {
    CheckpointState state;
    TrainedModel trained{load_trained(request.trial, plugins, DataRows::not_needed, state), {}, nullptr, {}, nullptr};
    const TrialParts& parts = trained.parts;
    trained.arithmetic = std::make_unique<CudaArithmetic>(request.trial.settings.train, parts.device);
    trained.trial_json = state.trial_json;
    // A finished training has put them in place and keeps no optimiser.
    if (const auto found = state.parts.find("optimizer"); found != state.parts.end())
        use_averages(parts, request.trial.settings.train, found->second);
    trained.generator = make_generator(parts.device, request.trial.seed, inference_stream);
    trained.model = parts.objective->model(*parts.network, trained.generator, tick);
    if (request.passes > 0) trained.model = in_few_passes(trained, request.trial.settings, request.passes);
    trained.model = in_precision(std::move(trained.model), *parts.network, parts.device,
                                 draws_in_bfloat16(request.precision, state, parts.device));
    return trained;
}

StateLook look_of(const TrialParts& parts) {
    const Variables& variables = parts.variables();
    return {parts.domain.categories, parts.domain.layout, [&variables](State x) { return variables.text(x); },
            [&variables](State x) { return variables.identity(x); },
            [&variables](State x) { return variables.picture(x); }};
}

ParseState parser_of(const TrialParts& parts) {
    return [&variables = parts.variables()](std::string_view line, std::span<std::uint8_t> out) {
        variables.parse(line, out);
    };
}

StateSource open_states(const TrialParts& parts, const InferenceRequest& request) {
    if (request.states_are_text) return StateSource::of_text(request.states, parts.domain.sites, parser_of(parts));
    return {request.states, parts.domain.sites, parts.domain.categories, parser_of(parts)};
}

}  // namespace marginalia
