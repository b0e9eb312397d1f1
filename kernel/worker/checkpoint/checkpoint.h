// Checkpoints: a TorchScript archive of the network that carries the rest of the trial in its extra files.
#pragma once

#include <marginalia/network.h>
#include <marginalia/state_dict.h>

#include <string>
#include <string_view>

#include "kernel/wire/recorder.h"

namespace marginalia {

// One checkpoint is one .pt file: the network's TorchScript module, whose source may name operators of our own
// (`checkpoint export` writes one that opens in Python); the extra file "trial.json" says which trial and step it is
// from, and "state" holds the optimiser, sampler, objective and generator as pickled tensors.
struct CheckpointState {
    std::int64_t step = 0;
    std::map<std::string, StateDict> parts;  // "optimizer", "sampler", "objective", "generator", "time", "precision"
    std::string trial_json;                  // as it was saved; set by load_checkpoint
};

// The rest alone, as one archive; reading takes numbers only, as load_checkpoint does.
std::string save_state(const CheckpointState& state);
CheckpointState load_state(std::string_view bytes);

// Puts the archive into the sink part by part. Beside the tensors themselves, memory holds one copy of `state`.
void write_checkpoint(const Network& network, const std::string& trial_json, const CheckpointState& state,
                      const ByteSink& sink);
std::string save_checkpoint(const Network& network, const std::string& trial_json, const CheckpointState& state);

// Copies the archive's weights and buffers into `network` by name and returns the rest. Takes numbers only: code that
// came with the archive is neither compiled nor run (tensor_archive.h). Throws Error where the archive is damaged or
// names, shapes or types differ.
CheckpointState load_checkpoint(const std::string& bytes, Network& network);

// The archive's trial.json alone. Throws Error where the archive is damaged.
std::string trial_json_of(std::string_view bytes);

// Only the weights, for a network that may stand on a larger lattice. Returns the archive's trial.json.
std::string load_weights(const std::string& bytes, Network& network);

// That the tensors which `part` ("sampler", ...) takes from a checkpoint are there, of the shapes and types that it has
// by itself. Throws Error.
void check_state(const std::string& part, const StateDict& expected, const StateDict& given);

}  // namespace marginalia
