#include "langevin.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <marginalia/orders.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>

LangevinChains::LangevinChains(const marginalia::Network& network, const at::Tensor& x, double step)
    : network_(network), step_(step), x_(x), accepted_(at::zeros({}, x.options().dtype(at::kDouble))) {
    refresh();
}

void LangevinChains::refresh() {
    Slope now = slope(x_);
    log_q_ = now.log_q;
    gradient_ = now.gradient;
}

LangevinChains::Slope LangevinChains::slope(const at::Tensor& x) const {
    const at::AutoGradMode grad_mode(true);
    const at::Tensor p = at::one_hot(x, network_.domain().categories).to(at::kFloat).set_requires_grad(true);
    const at::Tensor log_q = network_.log_marginal_relaxed(p);
    const at::Tensor gradient = torch::autograd::grad({log_q.sum()}, {p})[0];
    return {log_q.detach().to(at::kDouble), gradient};
}

at::Tensor LangevinChains::proposal(const at::Tensor& x, const at::Tensor& gradient, double beta) const {
    const at::Tensor here = at::one_hot(x, network_.domain().categories).to(gradient.dtype());
    return (0.5 * beta * gradient + here / step_).log_softmax(2);
}

at::Tensor LangevinChains::acceptance() const {
    return accepted_ / static_cast<double>(std::max<std::int64_t>(moves_, 1));
}

void LangevinChains::move(double beta, at::Generator& generator) {
    const at::NoGradGuard no_grad;
    const auto at_symbols = [](const at::Tensor& log_p, const at::Tensor& symbols) {
        return log_p.gather(2, symbols.unsqueeze(2)).squeeze(2).sum(1, false, at::kDouble);
    };
    const at::Tensor forward = proposal(x_, gradient_, beta);
    const at::Tensor next = marginalia::sample_symbols(forward.flatten(0, 1), generator).view(x_.sizes());
    const Slope there = slope(next);
    const at::Tensor backward = proposal(next, there.gradient, beta);
    const at::Tensor log_ratio = beta * (there.log_q - log_q_) + at_symbols(backward, x_) - at_symbols(forward, next);
    const at::Tensor accept = at::rand(log_ratio.sizes(), generator, log_ratio.options()).log() < log_ratio;
    x_ = at::where(accept.unsqueeze(1), next, x_);
    log_q_ = at::where(accept, there.log_q, log_q_);
    gradient_ = at::where(accept.view({-1, 1, 1}), there.gradient, gradient_);
    accepted_ = accepted_ + accept.to(at::kDouble).mean();
    ++moves_;
}
