// Models that choose the next site as well as its value: the forward policy of a GFlowNet over partial states.
#pragma once

#include <marginalia/model.h>
#include <marginalia/objective.h>

#include "../learned_log_z.h"

namespace learned_order {

// log P_F(site, value | x_S), normalised over all values of all unknown sites: (B, D * K) from (B, D), -infinity at
// known sites. Logits are the network's conditionals, read jointly, so that a network that knows nothing chooses
// evenly.
at::Tensor log_policy(const marginalia::Network& network, const at::Tensor& x);

// Trajectories from the state of all □ to full states.
struct Trajectories {
    at::Tensor x;      // (B, D) int64
    at::Tensor order;  // (B, D): sites in the order in which they were filled
    at::Tensor log_p;  // (B) float64: sum of log P_F
};

// Drawn from the policy: D passes.
Trajectories draw(const marginalia::Network& network, std::int64_t rows, at::Generator& generator,
                  const marginalia::Tick& tick);

// sum of log P_F along given orders to x: (B) float64, D passes.
at::Tensor log_forward(const marginalia::Network& network, const at::Tensor& x, const at::Tensor& order,
                       const marginalia::Tick& tick);

// log P_F of single transitions of given trajectories, in one pass: `position` (B, T) in 0..D-1 gives (B, T).
at::Tensor log_transitions(const marginalia::Network& network, const at::Tensor& x, const at::Tensor& order,
                           const at::Tensor& position);

// log P_B of a whole trajectory under the uniform backward policy, -log D!.
double log_backward(std::int64_t sites);

// The states that a trained policy ends in. Their density is a sum over D! trajectories; it is estimated from
// `trajectories` of them, backward ones for given states (a lower bound on average), with the drawn one among them for
// drawn states (an upper bound on average).
std::unique_ptr<marginalia::Model> model(const marginalia::Network& network, std::int64_t trajectories);

// An objective of such a model that learns log Z as well, from an energy. Reads the parameter "trajectories".
class Balance : public marginalia::Objective {
public:
    std::unique_ptr<marginalia::Model> model(const marginalia::Network& network, at::Generator&,
                                             const marginalia::Tick&) const final {
        return learned_order::model(network, trajectories_);
    }
    std::vector<at::Tensor> parameters() const final { return {log_z_.parameter()}; }
    marginalia::StateDict state() const final { return log_z_.state(); }
    void load(const marginalia::StateDict& state) final { log_z_.load(state); }

protected:
    Balance(const marginalia::Params& params, const marginalia::TrainingSetup& setup)
        : setup_(setup), log_z_(setup.device, 10), trajectories_(params.integer("trajectories")) {}

    const marginalia::TrainingSetup setup_;
    LearnedLogZ log_z_;

private:
    const std::int64_t trajectories_;
};

inline constexpr marginalia::Parameter trajectories_parameter = {
    .name = "trajectories",
    .type = marginalia::ParameterType::integer,
    .fallback = "4",
    .minimum = 1,
    .maximum = 1e6,
    .help = "trajectories to a state whose mean stands for its density in evaluation"};

}  // namespace learned_order
