#include "kernel/worker/checkpoint/checkpoint.h"

#include <ATen/ATen.h>
#include <caffe2/serialize/inline_container.h>
#include <marginalia/error.h>
#include <torch/csrc/jit/serialization/export.h>
#include <torch/csrc/jit/serialization/pickle.h>
#include <torch/csrc/jit/serialization/pickler.h>
#include <torch/csrc/jit/serialization/pickler_helper.h>
#include <torch/script.h>

#include <sstream>

#include "kernel/worker/checkpoint/tensor_archive.h"

namespace marginalia {

namespace {

constexpr const char* state_file = "state";
constexpr const char* trial_file = "trial.json";
constexpr std::size_t record_overhead = 512;  // about, of a record's two headers and its alignment

}  // namespace

std::string save_state(const CheckpointState& state) {
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

CheckpointState load_state(std::string_view bytes) {
    CheckpointState state;
    for (const auto& [name, tensor] : TensorArchive(bytes).tensors()) {
        const auto slash = name.find('/');
        if (slash != std::string::npos) state.parts[name.substr(0, slash)][name.substr(slash + 1)] = tensor;
        else if (name == "step" && tensor.scalar_type() == at::kLong && tensor.numel() == 1)
            state.step = tensor.item<std::int64_t>();
        else throw Error("the checkpoint is not read: its state has a tensor '" + name + "' that belongs to nothing");
    }
    return state;
}

namespace {

std::string text_of(const at::Tensor& tensor) {
    std::ostringstream text;
    text << tensor.sizes() << " of " << tensor.scalar_type();
    return text.str();
}

void copy_tensor(const StateDict& from, const char* kind, const std::string& name, const at::Tensor& to) {
    const auto found = from.find(name);
    if (found == from.end())
        throw Error("the checkpoint has no " + std::string(kind) + " '" + name + "'; it is of another kind of network");
    if (found->second.sizes() != to.sizes() || found->second.scalar_type() != to.scalar_type())
        throw Error(std::string(kind) + " '" + name + "' are " + text_of(found->second) + " in the checkpoint and " +
                    text_of(to) + " in the network; give the network the checkpoint's sizes");
    to.copy_(found->second);
}

// By their bare names, as the checkpoint may be of the network with another wrapping or with none.
void copy_weights(const StateDict& from, Network& network) {
    const at::NoGradGuard no_grad;
    StateDict bare;
    for (const auto& [name, tensor] : from) bare.emplace(Network::bare_name(name), tensor);
    for (const auto& [name, parameter] : network.named_parameters()) copy_tensor(bare, "weights", name, parameter);
}

void copy_buffers(const StateDict& from, Network& network) {
    const at::NoGradGuard no_grad;
    for (const auto& buffer : network.module().named_buffers()) copy_tensor(from, "numbers", buffer.name, buffer.value);
}

}  // namespace

void write_checkpoint(const Network& network, const std::string& trial_json, const CheckpointState& state,
                      const ByteSink& sink) {
    const auto write = [&sink](const void* part, std::size_t size) {
        sink({static_cast<const char*>(part), size});
        return size;
    };
    torch::jit::ExtraFilesMap extra{{trial_file, trial_json}};
    extra[state_file] = save_state(state);
    torch::jit::ExportModule(network.module(), write, extra);
}

std::string save_checkpoint(const Network& network, const std::string& trial_json, const CheckpointState& state) {
    std::string bytes;
    write_checkpoint(network, trial_json, state, [&bytes](std::string_view part) { bytes += part; });
    return bytes;
}

CheckpointState load_checkpoint(const std::string& bytes, Network& network) {
    const TensorArchive archive(bytes);
    const StateDict tensors = archive.tensors();
    copy_weights(tensors, network);
    copy_buffers(tensors, network);
    CheckpointState state = load_state(archive.extra(state_file));
    state.trial_json = archive.extra(trial_file);
    return state;
}

std::string trial_json_of(std::string_view bytes) { return std::string(TensorArchive(bytes).extra(trial_file)); }

std::string load_weights(const std::string& bytes, Network& network) {
    const TensorArchive archive(bytes);
    copy_weights(archive.tensors(), network);
    return std::string(archive.extra(trial_file));
}

void check_state(const std::string& part, const StateDict& expected, const StateDict& given) {
    for (const auto& [name, tensor] : expected) {
        const auto found = given.find(name);
        if (found == given.end()) throw Error("the checkpoint's " + part + " has no '" + name + "'");
        if (found->second.sizes() != tensor.sizes() || found->second.scalar_type() != tensor.scalar_type())
            throw Error("the checkpoint's " + part + " has a '" + name + "' that is " + text_of(found->second) +
                        ", where " + text_of(tensor) +
                        " belongs; go on with the batch and the parameters that it was saved with");
    }
}

}  // namespace marginalia
