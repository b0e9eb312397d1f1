// log Z as a parameter of an objective.
#pragma once

#include <cmath>

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <marginalia/network.h>
#include <marginalia/state_dict.h>

// log Z = shift + 10 w: the shift is set once from the first batch, and w learns with ten times the network's step, since
// the network's learning rates are far below the scale of log Z.
class LearnedLogZ {
public:
    explicit LearnedLogZ(const at::Device& device)
        : shift_(at::zeros({}, at::TensorOptions().dtype(at::kDouble).device(device))),
          weight_(at::zeros({}, at::TensorOptions().dtype(at::kFloat).device(device))) {
        weight_.set_requires_grad(true);
    }

    // At a uniform network's estimate, from log f of its states: mean of log f + D log K.
    void begin_uniform(const at::Tensor& log_f, const marginalia::Domain& domain) {
        begin_at(log_f.mean() + static_cast<double>(domain.sites) * std::log(static_cast<double>(domain.categories)));
    }
    void begin_at(const at::Tensor& estimate) { shift_.copy_(estimate.detach()); }

    at::Tensor value() const { return shift_ + 10 * weight_; }  // float64 scalar
    at::Tensor parameter() const { return weight_; }

    marginalia::StateDict state() const { return {{"log_z_shift", shift_}, {"log_z_weight", weight_.detach()}}; }
    void load(const marginalia::StateDict& state) {
        const at::NoGradGuard no_grad;
        shift_.copy_(state.at("log_z_shift"));
        weight_.copy_(state.at("log_z_weight"));
    }

private:
    at::Tensor shift_;
    at::Tensor weight_;
};
