// Reference states of the target: the energy's own, or those of the chains that [reference] names.
#pragma once

#include <string>

#include "kernel/worker/evaluate/evaluation.h"

namespace marginalia {

struct Reference {
    at::Tensor x;             // (count, D) int64 on the CPU; undefined: there are none
    bool exact = false;       // drawn independently from the target
    std::int64_t chains = 0;  // of [reference]: row = draw * chains + chain; 0: rows count as independent
    std::string how;          // one line
    Figures figures;          // of chains: reference_rhat, reference_ess
};

// `count` states from the energy itself.
Reference energy_reference(const Energy& energy, std::size_t count, std::uint64_t seed);

// `count` states from `chains` chains of a sampler, a draw a state of each; with them, of log f and of every
// observable, the largest split R-hat and the smallest effective sample size.
Reference chain_reference(const TrialParts& parts, Sampler& sampler, std::int64_t chains, std::int64_t count,
                          at::Generator& generator, const KeepGoing& keep_going);

// Convergence of m chains of n values each, (m, n) float64, or of vectors, (m, n, c), whose variance is the sum of
// their components'; every chain is cut into halves. R-hat: square root of the ratio of total to within-chain variance
// (A. Gelman, D. B. Rubin, Stat. Sci. 7, 457 (1992)); the effective sample size sums the autocorrelations of all chains
// by Geyer's initial positive pairs (A. Vehtari et al., Bayesian Anal. 16, 667 (2021)).
struct Convergence {
    double rhat, ess;
};
Convergence convergence_of(const at::Tensor& values);

}  // namespace marginalia
