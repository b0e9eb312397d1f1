// Objectives: the loss that makes a network a model of an energy or of data.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <marginalia/model.h>
#include <marginalia/sampler.h>

namespace marginalia {

class Dataset;

// The trial's energy over batches of states, evaluated over rows in parallel. Called from the training thread.
class MARGINALIA_API BatchEnergy {
public:
    virtual ~BatchEnergy() = default;

    // Begins evaluating log f of x, (B, D) int64 on any device, and returns at once; `finish` waits and gives (B)
    // float64 on the device of x. One evaluation at a time.
    virtual void start(const at::Tensor& x) = 0;
    virtual at::Tensor finish() = 0;

    // How many of the states of the last `finish` have log f = -infinity. nullopt: the host would have to wait for the
    // device to know; compute as if there were some (masked_fill, where).
    virtual std::optional<std::int64_t> impossible() const = 0;

    at::Tensor log_density(const at::Tensor& x);  // start and finish
};

// A figure by which the host is to judge whether something is wrong. It does so when it next records, as it would have
// to wait for the device now (host.h). For what is looked at rarely.
struct Doubt {
    at::Tensor value;                              // a scalar
    std::function<std::string(double)> complaint;  // the sentence that ends the trial; empty: all is well
};

// What an objective has at hand in one step.
struct TrainingStep {
    std::int64_t step;  // 1, 2, ...
    const Network& network;
    Sampler* sampler;          // nullptr where the experiment names none; see MARGINALIA_OBJECTIVE's `needs`
    BatchEnergy* energy;       // nullptr for a dataset
    const Dataset* dataset;    // nullptr for an energy
    at::Generator& generator;  // the trial's own, on the setup's device
    std::map<std::string, at::Tensor> metrics;  // scalars to record; read by the host only when it records
    at::Generator& host_generator;  // a CPU generator, for what the host must know; the same as `generator` on the CPU
    std::vector<Doubt> doubts = {};
    at::Tensor rows = {};  // all_rows of the dataset's training split on the setup's device, where it keeps them
};

// The states on which a step trains: (B, D) int64, all sites known, of the sampler where the experiment has one,
// otherwise random rows of the dataset's training split. For objectives that need "states", "sampler" or "dataset".
MARGINALIA_API at::Tensor training_states(TrainingStep& step, const TrainingSetup& setup);

// Builds a scalar to minimise. One object per trial, called from the training thread with grad mode on; the host owns
// optimiser, schedule, clipping and checkpoints.
class MARGINALIA_API Objective {
public:
    virtual ~Objective() = default;

    virtual at::Tensor loss(TrainingStep& step) = 0;

    // A step of its own in place of loss() and the host's optimiser, such as one of expectation maximisation: changes
    // the parameters, sets the metrics and returns true. Called first in every step, with grad mode on. `rate` is the
    // step's learning rate by the schedule of [train]; averaging of weights goes on, clipping and weight decay do not
    // apply.
    virtual bool update(TrainingStep&, double /*rate*/) { return false; }

    // The trained network as evaluation and `score` read it, by default an any-order model. Called with grad mode off;
    // finding out a normalisation may take long, hence the tick.
    virtual std::unique_ptr<Model> model(const Network& network, at::Generator&, const Tick&) const {
        return any_order_model(network);
    }

    // False: it trains the conditionals only, so that log p_θ says nothing and is not evaluated.
    virtual bool trains_marginals() const { return true; }

    // Whether it can learn where sites differ (Domain::site_categories), real numbers among them, and from rows that
    // lack cells (Dataset::incomplete). It then asks real_sites.h for log p of what a site holds. Objectives that sum
    // over the symbols of a site cannot.
    virtual bool takes_mixed_sites() const { return false; }

    // Parameters of its own (a learned log Z), optimised beside the network's.
    virtual std::vector<at::Tensor> parameters() const { return {}; }

    virtual StateDict state() const { return {}; }
    virtual void load(const StateDict&) {}
};

using ObjectiveFactory = Objective* (*)(const Params&, const TrainingSetup&);

}  // namespace marginalia

// Exports class `type`, constructible from (const Params&, const TrainingSetup&), as an objective plugin. `needs` names
// what an experiment with it must have, separated by spaces: "energy", "dataset", "sampler" (any), "model-sampler" (one
// that draws from the model: REINFORCE is biased on other states), "target-sampler" (one that itself needs "energy":
// its states are the energy's), "states" (a dataset's rows or, for an energy, a target-sampler's); "" for nothing.
// Other experiments are refused before anything runs, so TrainingStep's pointers to what is named are never null.
#define MARGINALIA_OBJECTIVE(type, name, summary, manual, list, needs)                                                 \
    static_assert(std::is_base_of_v<marginalia::Objective, type>);                                                     \
    static marginalia::Objective* marginalia_create(const marginalia::Params& p, const marginalia::TrainingSetup& s) { \
        return new type(p, s);                                                                                         \
    }                                                                                                                  \
    MARGINALIA_PLUGIN(MARGINALIA_TORCH_BUILD_TAG, "objective", name, summary, manual, list, &marginalia_create, needs)
