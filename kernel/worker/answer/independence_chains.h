// Markov chains of independent proposals, which make states of a target of those of a model that is only near it.
#pragma once

#include <ATen/core/Generator.h>
#include <ATen/core/TensorBody.h>

#include <cstdint>
#include <functional>
#include <vector>

namespace marginalia {

// States and what is known of them, on the CPU; densities (M) float64 in nats.
struct Weighed {
    at::Tensor x;                // (M, D) int64
    at::Tensor log_p;            // by the model
    at::Tensor log_f;            // by the energy; undefined where nobody asks it
    at::Tensor log_w;            // of the target, up to a constant, less the density with which the state was proposed
    at::Tensor log_target = {};  // the former; undefined where nobody asks

    Weighed rows(const at::Tensor& places) const;
};

// States one after another.
Weighed joined(const std::vector<Weighed>& pieces);

// So many states, independent of one another and of all before.
using Propose = std::function<Weighed(std::int64_t count)>;

// The next state of each row, by moves that leave the target invariant.
using Refine = std::function<Weighed(const Weighed& here)>;

// A mean over the steps of several chains, and its standard error by their differences.
struct ChainMean {
    double mean, error;
};

// How the steps since a moment went.
struct Walked {
    std::int64_t steps = 0;  // of each chain
    double accepted = 0;     // share of the proposals
    // Sum of squared numbers of steps that chains spent at one state over the number of all steps: the integrated
    // autocorrelation time, in steps, of a quantity that tells every state from every other (1: no state is repeated).
    // Means nothing with moves between the proposals.
    double correlation_time = 1;
};

// Independence Metropolis (L. Tierney, Markov chains for exploring posterior distributions, Ann. Stat. 22, 1701
// (1994)): each chain goes to its next proposal x' with probability min(1, w(x') / w(x)) and stays at x otherwise,
// which leaves the target invariant, however far the proposals are from it. The chains begin at proposals. One thread.
class IndependenceChains {
public:
    // `random` is a generator of the CPU, which nobody else uses.
    IndependenceChains(std::int64_t chains, Propose propose, at::Generator random);

    std::int64_t chains() const { return chains_; }

    // Gives every step moves after its proposal, from now on.
    void refine_by(Refine refine) { refine_ = std::move(refine); }

    // Leaves out the first steps: blocks of steps, each as long as all before it, until chains have moved eight times
    // in a block, on average, and the share of proposals accepted in it is, within two standard errors, that of the
    // block before; or `most` steps are over, or that share is below `least`. Chains that began where the model is
    // likelier than the target move more than others, so a falling share says that they have not forgotten where they
    // began. With moves after the proposals it is the mean of log_target, and it alone, that must be that of the block
    // before. Begins to count anew. False: it had not settled. Throws Error where a chain has found no state of the
    // target, but for a share below `least`.
    bool settle(std::int64_t most, double least = 0);
    std::int64_t left_out() const { return left_out_; }  // steps of each chain

    // So many steps of every chain: the states after each, row = step * chains + chain.
    Weighed walk(std::int64_t steps);

    Walked walked() const;  // since `settle`: no steps yet, but for the last block of one that `least` ended

private:
    ChainMean block(std::int64_t steps);                        // of what settles
    ChainMean accepted() const;                                 // since count_anew
    void choose(const Weighed& proposed, const double* log_u);  // the next state of each chain: a proposal, or its own
    void note(std::int64_t chain, bool moved);
    void count_anew();

    const std::int64_t chains_;
    const Propose propose_;
    Refine refine_;
    at::Generator random_;
    Weighed here_;  // a state of each chain
    std::int64_t left_out_ = 0;
    std::int64_t steps_ = 0;              // since count_anew, of each chain
    std::vector<std::int64_t> accepted_;  // the same
    std::vector<std::int64_t> stay_;      // steps that each chain has spent where it is
    double squares_ = 0;                  // of the stays that are over
};

}  // namespace marginalia
