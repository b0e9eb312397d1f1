#include "kernel/worker/train/optimizer.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <cmath>
#include <numbers>

namespace marginalia {

namespace {

constexpr double epsilon = 1e-8;

void save_list(StateDict& dict, const std::string& prefix, const std::vector<at::Tensor>& list) {
    for (std::size_t i = 0; i < list.size(); ++i) dict[prefix + std::to_string(i)] = list[i];
}

void load_list(const StateDict& dict, const std::string& prefix, std::vector<at::Tensor>& list) {
    for (std::size_t i = 0; i < list.size(); ++i) list[i].copy_(dict.at(prefix + std::to_string(i)));
}

}  // namespace

Optimizer::Optimizer(std::vector<at::Tensor> weights, TrainSettings train, const std::vector<at::Tensor>& own)
    : train_(std::move(train)), parameters_(std::move(weights)), weights_(parameters_.size()) {
    const at::NoGradGuard no_grad;
    clipped_ =
        at::zeros({}, at::TensorOptions(at::kLong).device(parameters_.empty() ? at::kCPU : parameters_[0].device()));
    parameters_.insert(parameters_.end(), own.begin(), own.end());
    for (const at::Tensor& parameter : parameters_) {
        first_.push_back(at::zeros_like(parameter));
        second_.push_back(at::zeros_like(parameter));
        count_.push_back(at::zeros({}, parameter.options().dtype(at::kFloat).requires_grad(false)));
        if (train_.ema > 0) average_.push_back(parameter.detach().clone());
    }
}

double Optimizer::learning_rate(std::int64_t step) const {
    const double rate = train_.learning_rate, last = train_.final_fraction;
    if (step <= train_.warmup) return rate * static_cast<double>(step) / static_cast<double>(train_.warmup);
    if (train_.schedule == "constant") return rate;
    const double start = train_.schedule == "cosine" ? 0 : 0.5;
    const double progress = static_cast<double>(step - 1) / static_cast<double>(train_.steps);
    if (progress <= start) return rate;
    const double fall = (progress - start) / (1 - start);
    return rate * (last + (1 - last) * 0.5 * (1 + std::cos(std::numbers::pi * fall)));
}

void Optimizer::clip(std::vector<at::Tensor>& gradients) {
    const at::Tensor norm = at::stack(at::_foreach_norm(gradients)).norm();
    norm_ = norm;
    clipped_.add_(norm > train_.clip);
    // Where the host can see the norm without waiting it saves a pass over gradients that are short enough.
    if (norm.is_cpu() && norm.to(at::kDouble).const_data_ptr<double>()[0] <= train_.clip) return;
    const at::Tensor shorter = at::scalar_tensor(train_.clip, at::kDouble).div(norm.to(at::kDouble)).clamp_max(1);
    at::_foreach_mul_(gradients, shorter.to(norm.dtype()));
}

// Parameters without a gradient stay as they are: no decay, no momentum.
void Optimizer::update(std::int64_t step) {
    const at::NoGradGuard no_grad;
    std::vector<at::Tensor> parameters, gradients, first, second, count, of_weights;
    for (std::size_t i = 0; i < parameters_.size(); ++i) {
        if (!parameters_[i].grad().defined()) continue;
        parameters.push_back(parameters_[i]);
        gradients.push_back(parameters_[i].grad());
        if (i < weights_) of_weights.push_back(parameters_[i].grad());
        first.push_back(first_[i]);
        second.push_back(second_[i]);
        count.push_back(count_[i]);
    }
    if (train_.clip > 0 && !of_weights.empty()) clip(of_weights);
    at::_foreach_add_(count, 1);
    at::_fused_adamw_(parameters, gradients, first, second, {}, count, learning_rate(step), train_.beta1, train_.beta2,
                      train_.weight_decay, epsilon, false, false);
    for (at::Tensor& parameter : parameters) parameter.mutable_grad().reset();
    average(step);
}

void Optimizer::average(std::int64_t step) {
    const at::NoGradGuard no_grad;
    // A short memory first, so that the first averages are not dominated by the initial weights.
    const double keep = std::min(train_.ema, (1.0 + static_cast<double>(step)) / (10.0 + static_cast<double>(step)));
    if (averages()) at::_foreach_lerp_(average_, parameters_, 1 - keep);
}

void Optimizer::swap_average() {
    const at::NoGradGuard no_grad;
    for (std::size_t i = 0; i < average_.size(); ++i) {
        const at::Tensor current = parameters_[i].detach().clone();
        parameters_[i].copy_(average_[i]);
        average_[i].copy_(current);
    }
}

StateDict Optimizer::state() const {
    StateDict dict;
    save_list(dict, "first.", first_);
    save_list(dict, "second.", second_);
    save_list(dict, "count.", count_);
    save_list(dict, "average.", average_);
    dict["clipped"] = clipped_;
    return dict;
}

void Optimizer::load(const StateDict& state) {
    const at::NoGradGuard no_grad;
    load_list(state, "first.", first_);
    load_list(state, "second.", second_);
    load_list(state, "count.", count_);
    load_list(state, "average.", average_);
    if (const auto clipped = state.find("clipped"); clipped != state.end()) clipped_.copy_(clipped->second);
}

}  // namespace marginalia
