// A trained trial's model, ready to be asked about states.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include <marginalia/model.h>

#include "kernel/wire/inference_request.h"
#include "kernel/worker/machine/cuda_arithmetic.h"
#include "kernel/worker/model/trial_parts.h"
#include "kernel/worker/states/state_source.h"
#include "kernel/worker/states/state_writer.h"

namespace marginalia {

// The model points into the parts; both live as long as this.
struct TrainedModel {
    TrialParts parts;
    at::Generator generator;  // of the request's seed, apart from those of training and evaluation
    std::unique_ptr<Model> model;
    std::string trial_json;                      // as the checkpoint has it
    std::unique_ptr<CudaArithmetic> arithmetic;  // that of the training
};

// Builds the trial's network and objective and loads the request's checkpoint: with its averaged weights where the
// training was not over, as the trial's own evaluation reads it, or in request.passes. A dataset's files are read only
// where the checkpoint does not describe it, or its plugin needs them. Called with grad mode off; `tick` as in
// Objective::model. Throws Error where the model cannot be read in few passes.
TrainedModel load_model(const InferenceRequest& request, const PluginHost& plugins, const Tick& tick);

// How states of the trial's energy or dataset look; points into `parts`.
StateLook look_of(const TrialParts& parts);

// One line of text into symbols, by the energy or dataset; points into `parts`.
ParseState parser_of(const TrialParts& parts);

// The states that the request gives, see StateSource.
StateSource open_states(const TrialParts& parts, const InferenceRequest& request);

}  // namespace marginalia
