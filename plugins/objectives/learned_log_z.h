// log Z as a parameter of an objective.
#pragma once

#include <cmath>

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <marginalia/network.h>
#include <marginalia/state_dict.h>

// log Z = shift + rate w: the shift is set once, in the first step, and w learns with `rate` times the network's step,
// whose learning rates are far below the scale of log Z.
class LearnedLogZ {
public:
    LearnedLogZ(const at::Device& device, double rate)
        : rate_(rate), shift_(at::zeros({}, at::TensorOptions().dtype(at::kDouble).device(device))),
          weight_(at::zeros({}, at::TensorOptions().dtype(at::kFloat).device(device))) {
        weight_.set_requires_grad(true);
    }

    // At mean log f + D log K, log Z's estimate from the states of a uniform network; too high by D log K less the
    // entropy from states of the target.
    void begin_uniform(const at::Tensor& log_f, const marginalia::Domain& domain) {
        begin_at(log_f.mean() + static_cast<double>(domain.sites) * std::log(static_cast<double>(domain.categories)));
    }
    void begin_at(const at::Tensor& estimate) { shift_.copy_(estimate.detach()); }
    void begin_at(double estimate) { shift_.fill_(estimate); }

    at::Tensor value() const { return shift_ + rate_ * weight_; }  // float64 scalar
    at::Tensor parameter() const { return weight_; }

    marginalia::StateDict state() const { return {{"log_z_shift", shift_}, {"log_z_weight", weight_.detach()}}; }
    void load(const marginalia::StateDict& state) {
        const at::NoGradGuard no_grad;
        shift_.copy_(state.at("log_z_shift"));
        weight_.copy_(state.at("log_z_weight"));
    }

private:
    double rate_;
    at::Tensor shift_;
    at::Tensor weight_;
};
