// What chains of a request about states are made of: the model's proposals, and moves of the energy between them.
#pragma once

#include <marginalia/exchange.h>

#include <optional>
#include <vector>

#include "kernel/worker/answer/holding.h"
#include "kernel/worker/answer/independence_chains.h"
#include "kernel/worker/answer/trained_model.h"

namespace marginalia {

// For one thread. What the constructor is given outlives the object.
class Proposals {
public:
    Proposals(const InferenceRequest& request, const TrainedModel& trained, at::Generator& generator, const Tick& tick);

    // `count` states of the model, or those that HoldingDraws makes of it, request.batch of them at a time. Where their
    // target does not need it, the latter come without log_p.
    Weighed draw(std::int64_t count) const;

    // The same states with log_p, along a random order each.
    Weighed with_log_p(Weighed states) const;

    // Whether there is an energy on which states that hold what they must may be moved.
    bool can_exchange() const { return exchanges_.has_value(); }

    // Each chain's state after so many sweeps of Exchanges. They leave the energy, given what is held, invariant. Where
    // the model is the target they are a proposal, and x' is accepted with probability min(1, p(x') f(x) / (p(x)
    // f(x'))): the surrogate transition method (J. S. Liu, Monte Carlo Strategies in Scientific Computing, 2001, sec.
    // 9.4.3). Row i is always of the same chain.
    Weighed exchanged(const Weighed& here, std::int64_t sweeps);

    // Of the results of `exchanged` that the model as target has accepted.
    double share_exchanged() const;

private:
    Weighed draw_piece(std::int64_t count) const;
    Weighed weighed(Weighed states, const at::Tensor& log_q) const;
    at::Tensor swept(const at::Tensor& x, std::int64_t sweeps);

    const InferenceRequest& request_;
    const TrainedModel& trained_;
    at::Generator& generator_;
    const Tick& tick_;
    std::optional<HoldingDraws> holding_;
    std::optional<Exchanges> exchanges_;
    std::vector<FastRandom> random_;  // of each chain
    std::int64_t exchanged_ = 0, accepted_ = 0;
};

}  // namespace marginalia
