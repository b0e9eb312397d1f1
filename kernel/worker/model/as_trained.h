// A trained model's conditionals in the precision in which they learnt.
#pragma once

#include <marginalia/model.h>

#include <memory>
#include <string>

#include "kernel/worker/checkpoint/checkpoint.h"

namespace marginalia {

// Whether the training that saved `state` ran in bfloat16. Checkpoints of earlier builds do not all say so.
bool trained_in_bfloat16(const CheckpointState& state);

// What --precision comes to for a checkpoint: "auto", "float32" or "bfloat16". `auto` is the precision of the training
// where this device has products in it.
bool draws_in_bfloat16(const std::string& wanted, const CheckpointState& state, const at::Device& device);

// The same model, its conditionals' passes in bfloat16 if asked for. Log-densities are then those of the conditionals
// so rounded, in sums of float64: still normalised, and exact for what is drawn. Marginals stay in float32.
std::unique_ptr<Model> in_precision(std::unique_ptr<Model> model, const Network& network, const at::Device& device,
                                    bool bfloat16);

}  // namespace marginalia
