#include "kernel/train/checkpoint.h"

#include <sstream>

#include <ATen/ATen.h>
#include <marginalia/error.h>
#include <torch/csrc/jit/serialization/pickle.h>
#include <torch/script.h>

namespace marginalia {

namespace {

constexpr const char* state_file = "state";
constexpr const char* trial_file = "trial.json";

std::string pickle(const CheckpointState& state) {
    c10::Dict<std::string, at::Tensor> dict;
    dict.insert("step", at::tensor(state.step, at::kLong));
    for (const auto& [part, tensors] : state.parts)
        for (const auto& [name, tensor] : tensors) dict.insert(part + "/" + name, tensor.detach());
    const std::vector<char> bytes = torch::jit::pickle_save(dict);
    return {bytes.begin(), bytes.end()};
}

CheckpointState unpickle(const std::string& bytes) {
    CheckpointState state;
    const c10::IValue value = torch::jit::pickle_load({bytes.begin(), bytes.end()});
    for (const auto& item : value.toGenericDict()) {
        const std::string name = item.key().toStringRef();
        const at::Tensor tensor = item.value().toTensor();
        const auto slash = name.find('/');
        if (slash == std::string::npos) state.step = tensor.item<std::int64_t>();
        else state.parts[name.substr(0, slash)][name.substr(slash + 1)] = tensor;
    }
    return state;
}

torch::jit::Module open(const std::string& bytes, torch::jit::ExtraFilesMap& extra) {
    std::istringstream stream(bytes);
    return torch::jit::load(stream, at::Device(at::kCPU), extra);
}

void copy_weights(const torch::jit::Module& from, Network& network) {
    const at::NoGradGuard no_grad;
    std::map<std::string, at::Tensor> given;
    for (const auto& parameter : from.named_parameters()) given[parameter.name] = parameter.value;
    for (const auto& parameter : network.module().named_parameters()) {
        const auto found = given.find(parameter.name);
        if (found == given.end())
            throw Error("the checkpoint has no weights '" + parameter.name + "'; it is of another kind of network");
        if (found->second.sizes() != parameter.value.sizes()) {
            std::ostringstream shapes;
            shapes << found->second.sizes() << " in the checkpoint and " << parameter.value.sizes() << " in the network";
            throw Error("weights '" + parameter.name + "' are " + shapes.str() + "; give the network the checkpoint's sizes");
        }
        parameter.value.copy_(found->second);
    }
}

}  // namespace

std::string save_checkpoint(const Network& network, const std::string& trial_json, const CheckpointState& state) {
    std::ostringstream stream;
    network.module().save(stream, {{trial_file, trial_json}, {state_file, pickle(state)}});
    return std::move(stream).str();
}

CheckpointState load_checkpoint(const std::string& bytes, Network& network) {
    torch::jit::ExtraFilesMap extra{{state_file, ""}, {trial_file, ""}};
    copy_weights(open(bytes, extra), network);
    CheckpointState state = unpickle(extra.at(state_file));
    state.trial_json = extra.at(trial_file);
    return state;
}

std::string load_weights(const std::string& bytes, Network& network) {
    torch::jit::ExtraFilesMap extra{{trial_file, ""}};
    copy_weights(open(bytes, extra), network);
    return extra.at(trial_file);
}

}  // namespace marginalia
