// Adam with a learning-rate schedule, gradient clipping and averaged weights.
#pragma once

#include <vector>

#include <marginalia/state_dict.h>

#include "kernel/spec/settings.h"

namespace marginalia {

// Minimises over a fixed list of parameters, as the [train] table says. State is part of the checkpoint.
class Optimizer {
public:
    // `weights` are the network's, `own` the objective's (a learned log Z). train.clip bounds the gradient of the
    // weights; `own` neither counts in its norm nor is clipped, since log Z's gradient can be D² times as long.
    Optimizer(std::vector<at::Tensor> weights, TrainSettings train, const std::vector<at::Tensor>& own = {});

    // Learning rate of step 1..steps.
    double learning_rate(std::int64_t step) const;

    // One update from the parameters' gradients, which it clears. Nothing of it makes the host wait for a device.
    void update(std::int64_t step);

    // The norm of the weights' gradient in the last update, before it was clipped, a scalar; undefined where train.clip
    // is 0, as it is not computed.
    const at::Tensor& gradient_norm() const { return norm_; }

    // Updates so far whose gradient was clipped. Clipping most of them bends what is learnt: each batch then counts
    // alike, however much its states say.
    const at::Tensor& clipped() const { return clipped_; }  // int64 scalar

    // Moves the averages towards the parameters. A part of update(); by itself where others have changed the
    // parameters.
    void average(std::int64_t step);

    // Exchanges the parameters with their running averages; nothing if averaging is off. Call in pairs.
    void swap_average();
    bool averages() const { return !average_.empty(); }

    StateDict state() const;
    void load(const StateDict& state);

private:
    void clip(std::vector<at::Tensor>& gradients);

    const TrainSettings train_;
    std::vector<at::Tensor> parameters_;              // the weights, then what is the objective's own
    std::size_t weights_;                             // how many are weights
    std::vector<at::Tensor> first_, second_, count_;  // Adam's moments and step counts
    std::vector<at::Tensor> average_;
    at::Tensor norm_, clipped_;
};

}  // namespace marginalia
