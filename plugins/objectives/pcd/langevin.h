// Discrete Langevin chains of a network read as an unnormalised density.
#pragma once

#include <functional>

#include <ATen/core/Generator.h>
#include <marginalia/network.h>

// Metropolis-adjusted discrete Langevin (R. Zhang, X. Liu, Q. Liu, A Langevin-like sampler for discrete distributions,
// ICML 2022): every site proposes a symbol from the softmax over k of β (g_dk - g_d,x_d) / 2 - [k != x_d] / step, g
// being the gradient of log q at the state, and the whole move is accepted or not. Target q^β with log q(x) =
// log_marginal of full states. A larger step moves more sites at a time and is accepted less often.
class LangevinChains {
public:
    // The network needs log_marginal_relaxed. x (B, D): where the chains begin.
    LangevinChains(const marginalia::Network& network, const at::Tensor& x, double step);

    // One move of every chain at inverse temperature β. Grad mode may be on or off.
    void move(double beta, at::Generator& generator);

    const at::Tensor& x() const { return x_; }          // (B, D) int64
    const at::Tensor& log_q() const { return log_q_; }  // (B) float64
    at::Tensor acceptance() const;                      // share of moves accepted so far, a float64 scalar

private:
    struct Slope {
        at::Tensor log_q;     // (B) float64
        at::Tensor gradient;  // (B, D, K) float32
    };
    void refresh();
    Slope slope(const at::Tensor& x) const;
    // log of the proposal's probabilities at a state with that gradient: (B, D, K).
    at::Tensor proposal(const at::Tensor& x, const at::Tensor& gradient, double beta) const;

    const marginalia::Network& network_;
    const double step_;
    at::Tensor x_;
    at::Tensor log_q_;
    at::Tensor gradient_;
    at::Tensor accepted_;  // sum over moves of the share of chains
    std::int64_t moves_ = 0;
};
