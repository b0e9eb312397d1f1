// Asks models in this process, as `sample`, `complete` and `marginals` do, for tests.
#pragma once

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <sstream>
#include <string>
#include <vector>

#include "kernel/worker/answer/inference.h"
#include "kernel/worker/checkpoint/checkpoint.h"
#include "kernel/worker/model/trial_parts.h"
#include "tests/worker/trial_fixture.h"

namespace inference_fixture {

using namespace marginalia;

// Weights away from where the network begins, so that no two conditionals are alike.
inline void shake(const TrialParts& parts, double by = 0.2) {
    at::Generator generator = make_generator(at::kCPU, 5, 5);
    const at::NoGradGuard no_grad;
    for (at::Tensor weights : parts.network->parameters()) weights.add_(by * at::randn(weights.sizes(), generator));
}

// A request about a finished training of the experiment, with such weights.
inline InferenceRequest about(InferenceRequest::Verb verb, const std::string& experiment, double shaken = 0.2) {
    InferenceRequest request;
    request.verb = verb;
    request.trial = request_of(experiment);
    const TrialParts parts = build_model(request.trial, shipped_plugins());
    shake(parts, shaken);
    request.trial.checkpoint = save_checkpoint(*parts.network, "{}", {1, {{"objective", parts.objective->state()}}});
    request.output.format = StateFormat::json;
    return request;
}

inline std::string answer(const InferenceRequest& request) {
    std::ostringstream out;
    infer(request, shipped_plugins(), out);
    return std::move(out).str();
}

inline std::vector<nlohmann::json> lines(const std::string& text) {
    std::vector<nlohmann::json> all;
    std::istringstream stream(text);
    for (std::string line; std::getline(stream, line);) all.push_back(nlohmann::json::parse(line));
    return all;
}

// The sentence with which it is refused, "" where it is not.
inline std::string failure(const InferenceRequest& request) {
    try {
        answer(request);
    } catch (const Error& error) {
        return error.what();
    }
    return "";
}

}  // namespace inference_fixture
