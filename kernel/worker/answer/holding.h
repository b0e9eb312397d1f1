// States of which given numbers of sites hold given symbols, drawn by a network.
#pragma once

#include <marginalia/exchange.h>
#include <marginalia/model.h>

#include <functional>
#include <vector>

namespace marginalia {

// Draws such states site by site in random orders by the network's conditionals, each pass tilted: log p_φ(x_d = k |
// x_S) + μ_g for each symbol k of group g, with the chemical potentials μ of the row at which the expected number of
// sites of each group among the unknown ones is what is left of its count. A group of which nothing is left has μ =
// -infinity, so every state drawn holds what it must. D passes.
class HoldingDraws {
public:
    // The network outlives this.
    HoldingDraws(const Network& network, const Holding& holding, const at::Device& device);

    // log_p is the normalised density with which each state was drawn, along its order.
    Generated draw(std::int64_t count, at::Generator& generator, const Tick& tick) const;

    // The same density of states that hold what they must, (M, D), each along a random order.
    at::Tensor log_density(const at::Tensor& x, at::Generator& generator, const Tick& tick) const;

private:
    // The symbols (M, 1) that come to the next site (M, 1) of each row, of which the proposal (M, K) is log q.
    using Symbols = std::function<at::Tensor(const at::Tensor& proposal, const at::Tensor& site)>;
    Generated along(const at::Tensor& order, const Tick& tick, const Symbols& symbols) const;

    // μ (M, G) moved towards where the groups' expected numbers of unknown sites are `left` (M, G), from log p of the
    // groups at each site (M, D, G). One round: generalised iterative scaling (J. N. Darroch, D. Ratcliff, Ann. Math.
    // Stat. 43, 1470 (1972)).
    static at::Tensor balanced(const at::Tensor& tilt, const at::Tensor& groups, const at::Tensor& unknown,
                               const at::Tensor& left);
    at::Tensor by_group(const at::Tensor& log_p) const;  // (M, D, K) -> (M, D, G)

    const Network& network_;
    std::vector<at::Tensor> symbols_;  // of each group
    at::Tensor group_;                 // (K) int64: of each symbol
    at::Tensor counts_;                // (1, G) float64
};

}  // namespace marginalia
