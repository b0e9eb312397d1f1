// What objectives of any-order models share: rows with a random part unknown, the likelihood of that part, and the sum
// rule that ties marginals to it.
#pragma once

#include <marginalia/network.h>
#include <marginalia/objective.h>

#include <ATen/ATen.h>

#include <numbers>

// Sizes floor(D v^power), 0..D-1, v spread evenly over [0, 1) by the rows of x (B, D) and rising with the row from a
// random start: (B, 1) int64. power 1: uniform; 2: small ones more often, as their -1/2 power.
inline at::Tensor stratified_sizes(const at::Tensor& x, at::Generator& generator, double power = 1) {
    const at::TensorOptions floats = at::TensorOptions().device(x.device());
    const at::Tensor offset = at::rand({1}, generator, floats);
    const at::Tensor place = at::arange(x.size(0), floats) / static_cast<double>(x.size(0)) + offset;
    const at::Tensor share = power == 1 ? place.frac() : place.frac().pow(power);
    return (share * static_cast<double>(x.size(1))).to(at::kLong).clamp_max(x.size(1) - 1).unsqueeze(1);
}

// 1 / (D times the probability of each size), so that weighted means are those of uniform sizes: as sizes, float32.
inline at::Tensor weights_of_sizes(const at::Tensor& sizes, std::int64_t sites, double power) {
    const auto below = [&](const at::Tensor& size) {
        return (size.to(at::kDouble) / static_cast<double>(sites)).pow(1 / power);
    };
    return (1 / (static_cast<double>(sites) * (below(sizes + 1) - below(sizes)))).to(at::kFloat);
}

// Full rows x (B, D), and what is left of them where the sites from a stratified place of an order on are unknown.
struct PartlyKnown {
    // `rank` (B, D): the place of each site in the row's order.
    PartlyKnown(const at::Tensor& x, const at::Tensor& rank, std::int64_t categories, at::Generator& generator,
                double power = 1)
        : known(stratified_sizes(x, generator, power)), unknown(rank >= known),
          before(x.masked_fill(unknown, categories)) {}

    at::Tensor known;    // (B, 1): how many
    at::Tensor unknown;  // (B, D) of bool
    at::Tensor before;   // (B, D): x with □ there
};

// The any-order negative log-likelihood of the rows in nats, -E[D / |U| sum over U of log p_φ(x_k | x_S)] (E. Hoogeboom
// et al., ICLR 2022, algorithm 2), from log p_φ (B, D) of the rows' symbols. Records it as "loss" and "train_bits".
inline at::Tensor any_order_likelihood(marginalia::TrainingStep& step, const PartlyKnown& rows,
                                       const at::Tensor& log_p) {
    const auto sites = static_cast<double>(log_p.size(1));
    const at::Tensor weight = sites / static_cast<double>(log_p.size(0)) / (log_p.size(1) - rows.known).to(at::kFloat);
    const at::Tensor likelihood = -(weight * rows.unknown * log_p).sum();
    step.metrics = {{"loss", likelihood.detach()}, {"train_bits", likelihood.detach() / (sites * std::numbers::ln2)}};
    return likelihood;
}

// The mean squared breach in nats² of the sum rule log p_θ(x_S) + log p_φ(x_d | x_S) = log p_θ(x_S ∪ d), for log p_θ of
// the rows without and, behind them, with one more site (2 B), and log p_φ of that site's symbol (B).
inline at::Tensor sum_rule_breach(const at::Tensor& log_marginal, const at::Tensor& log_p) {
    const auto marginal = log_marginal.chunk(2);
    return (marginal[0] + log_p - marginal[1]).square().mean();
}

// The rows without and with one more site, for sum_rule_breach: partial states (B, D), a site (B, 1) of each that is
// not known there, the symbol (B, 1) to be set.
inline at::Tensor with_one_more(const at::Tensor& before, const at::Tensor& site, const at::Tensor& symbol) {
    return at::cat({before, before.scatter(1, site, symbol)});
}
