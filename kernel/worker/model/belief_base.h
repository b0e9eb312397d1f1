// Belief propagation from the known sites, as it is or with learned weights, under what a network says.
#pragma once

#include <marginalia/network.h>

namespace marginalia {

struct BeliefBase {
    std::int64_t sweeps = 0;  // of all messages at once; their mean counts, without the first quarter
    bool marginals = false;   // log_marginal too
    // Of every sweep, to be learned, the same for all edges or of each; they begin as plain belief propagation.
    enum class Weights { none, shared, of_edges } weights = Weights::none;
};

// A module whose logits are those of `inner` plus the log-beliefs of the unknown sites, by messages along the pairs of
// the domain's form (pair_graph.h). With `marginals` its log_marginal is that of `inner` without its -|S| log K plus
// F(x_S) - F(all □), F being the Bethe free energy, log sum of f over what is unknown. Both are exact on trees whose
// longest path has at most a quarter as many pairs as there are sweeps. The messages are in float32 whatever the
// precision of the passes and cost 2 sweeps K² operations a pair and row, several of them exponentials.
//
// With `weights` the parameter base_weights, (sweeps, 3, 1) or (sweeps, 3, E), has three numbers w of each sweep, or of
// each edge i -> j and sweep, 0 at first:
//   m_ij <- (1 + r w_0) M_ij(sum over k of m_ki - (1 + r w_1) m_ji)       M: as without weights; r = 5
//   belief of j = sum over i and sweeps of (share + r w_2) m_ij           share: as without weights
// where i is unknown; what known sites say keeps the weight 1, so that a site among known neighbours is exact.
// Symmetries of symbols (flip, permute) stay; those of sites, and the fit to other graphs, where they are shared.
//
// Throws Error where the domain has no form, and for a network whose sum rule is exact, which this would end.
torch::jit::Module* with_belief_base(const torch::jit::Module& inner, const Domain& domain, const BeliefBase& base);

}  // namespace marginalia
