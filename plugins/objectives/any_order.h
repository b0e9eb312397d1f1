// What objectives of any-order models share: rows with a random part unknown, the likelihood of that part, and the sum
// rule that ties marginals to it.
#pragma once

#include <marginalia/dataset.h>
#include <marginalia/network.h>
#include <marginalia/objective.h>
#include <marginalia/orders.h>

#include <ATen/ATen.h>

#include <numbers>

// Rows x (B, D) to learn from, in a random order of the sites each.
struct RankedRows {
    // `places` (B, D): the place of each site in the row's order. Cells that a row of the dataset lacks go to its end.
    RankedRows(const marginalia::TrainingStep& step, const at::Tensor& rows, const at::Tensor& places,
               std::int64_t categories)
        : x(rows), rank(places) {
        if (!step.dataset || step.sampler || !step.dataset->incomplete()) return;
        const at::Tensor missing = x == categories;
        rank = marginalia::positions_of_sites((rank + missing * x.size(1)).argsort(std::int64_t{1}));
        length = x.size(1) - missing.sum(1, true);
    }

    // The site (B, 1) at these places (B, 1).
    at::Tensor site_at(const at::Tensor& place) const { return (rank == place).to(at::kByte).argmax(1, true); }

    at::Tensor x, rank;  // (B, D)
    at::Tensor length;   // (B, 1): n, the sites that the row has; undefined where each has all, n = D
};

// Places in [0, 1), spread evenly over the rows, rising from a random start: (B).
inline at::Tensor stratified_places(const at::Tensor& x, at::Generator& generator) {
    const at::TensorOptions floats = at::TensorOptions().device(x.device());
    const at::Tensor offset = at::rand({1}, generator, floats);
    return (at::arange(x.size(0), floats) / static_cast<double>(x.size(0)) + offset).frac();
}

// Sizes floor(D v^power), 0..D-1, at stratified places v: (B, 1) int64. power 1: uniform; 2: small ones more often, as
// their -1/2 power. Of rows that lack cells uniform in 0..n-1.
inline at::Tensor stratified_sizes(const at::Tensor& x, at::Generator& generator, double power = 1) {
    const at::Tensor place = stratified_places(x, generator);
    const at::Tensor share = power == 1 ? place : place.pow(power);
    return (share * static_cast<double>(x.size(1))).to(at::kLong).clamp_max(x.size(1) - 1).unsqueeze(1);
}
inline at::Tensor stratified_sizes(const RankedRows& rows, at::Generator& generator) {
    if (!rows.length.defined()) return stratified_sizes(rows.x, generator);
    const at::Tensor place = stratified_places(rows.x, generator).unsqueeze(1);
    return (place * rows.length).to(at::kLong).minimum(rows.length - 1);
}

// 1 / (D times the probability of each size), so that weighted means are those of uniform sizes: as sizes, float32.
inline at::Tensor weights_of_sizes(const at::Tensor& sizes, std::int64_t sites, double power) {
    const auto below = [&](const at::Tensor& size) {
        return (size.to(at::kDouble) / static_cast<double>(sites)).pow(1 / power);
    };
    return (1 / (static_cast<double>(sites) * (below(sizes + 1) - below(sizes)))).to(at::kFloat);
}

// Rows, and what is left of them where the sites from a stratified place of an order on are unknown.
struct PartlyKnown {
    // Full rows x (B, D); `rank` (B, D): the place of each site in the row's order.
    PartlyKnown(const at::Tensor& x, const at::Tensor& rank, std::int64_t categories, at::Generator& generator,
                double power = 1)
        : known(stratified_sizes(x, generator, power)), unknown(rank >= known),
          before(x.masked_fill(unknown, categories)) {}
    PartlyKnown(const RankedRows& rows, std::int64_t categories, at::Generator& generator)
        : known(stratified_sizes(rows, generator)), unknown(rows.rank >= known),
          before(rows.x.masked_fill(unknown, categories)), length(rows.length) {
        if (length.defined()) unknown = unknown & (rows.rank < length);
    }

    at::Tensor known;    // (B, 1): how many
    at::Tensor unknown;  // (B, D) of bool: of the sites that the row has
    at::Tensor before;   // (B, D): x with □ there
    at::Tensor length;   // as in RankedRows
};

// The any-order negative log-likelihood of the rows in nats, -E[n / |U| sum over U of log p_φ(x_k | x_S)] (E. Hoogeboom
// et al., ICLR 2022, algorithm 2), n being the sites that a row has, from log p_φ (B, D) of what the rows hold. Records
// it as "loss" and "train_bits".
inline at::Tensor any_order_likelihood(marginalia::TrainingStep& step, const PartlyKnown& rows,
                                       const at::Tensor& log_p) {
    const auto sites = static_cast<double>(log_p.size(1));
    const auto count = static_cast<double>(log_p.size(0));
    const at::Tensor weight = rows.length.defined() ? rows.length / count / (rows.length - rows.known)
                                                    : sites / count / (log_p.size(1) - rows.known).to(at::kFloat);
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
