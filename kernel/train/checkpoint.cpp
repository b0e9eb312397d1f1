#include "kernel/train/checkpoint.h"

#include <ATen/ATen.h>
#include <caffe2/serialize/inline_container.h>
#include <marginalia/error.h>
#include <torch/csrc/jit/serialization/export.h>
#include <torch/csrc/jit/serialization/pickle.h>
#include <torch/csrc/jit/serialization/pickler.h>
#include <torch/csrc/jit/serialization/pickler_helper.h>
#include <torch/script.h>

#include <sstream>

namespace marginalia {

namespace {

constexpr const char* state_file = "state";
constexpr const char* trial_file = "trial.json";
constexpr std::size_t record_overhead = 512;  // about, of a record's two headers and its alignment

std::string pickle(const CheckpointState& state) {
    c10::Dict<std::string, at::Tensor> dict;
    dict.insert("step", at::tensor(state.step, at::kLong));
    for (const auto& [part, tensors] : state.parts)
        for (const auto& [name, tensor] : tensors) dict.insert(part + "/" + name, tensor.detach());
    // As torch::jit::pickle_save does it, which would make two copies of more than the network.
    std::string instructions, archive;
    std::size_t tensor_bytes = 0;
    torch::jit::Pickler pickler([&](const char* part, std::size_t size) { instructions.append(part, size); });
    pickler.protocol();
    pickler.pushIValue(dict);
    pickler.stop();
    for (const at::Tensor& tensor : pickler.tensorData()) tensor_bytes += tensor.storage().nbytes() + record_overhead;
    archive.reserve(instructions.size() + tensor_bytes + record_overhead);
    caffe2::serialize::PyTorchStreamWriter writer([&](const void* part, std::size_t size) {
        archive.append(static_cast<const char*>(part), size);
        return size;
    });
    writer.writeRecord("data.pkl", instructions.data(), instructions.size());
    std::size_t number = 0;
    for (const at::Tensor& tensor : pickler.tensorData()) {
        const auto data = torch::jit::getWriteableTensorData(tensor);
        writer.writeRecord("data/" + std::to_string(number++), data.data(), data.sizeInBytes());
    }
    writer.writeEndOfFile();
    return archive;
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

void write_checkpoint(const Network& network, const std::string& trial_json, const CheckpointState& state,
                      const ByteSink& sink) {
    const auto write = [&sink](const void* part, std::size_t size) {
        sink({static_cast<const char*>(part), size});
        return size;
    };
    torch::jit::ExtraFilesMap extra{{trial_file, trial_json}};
    extra[state_file] = pickle(state);
    torch::jit::ExportModule(network.module(), write, extra);
}

std::string save_checkpoint(const Network& network, const std::string& trial_json, const CheckpointState& state) {
    std::string bytes;
    write_checkpoint(network, trial_json, state, [&bytes](std::string_view part) { bytes += part; });
    return bytes;
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
