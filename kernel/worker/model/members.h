// The energies that one network learns or is asked about, between which its trial changes.
#pragma once

#include <ATen/core/TensorBody.h>
#include <marginalia/energy.h>
#include <marginalia/objective.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "kernel/worker/model/batch_energy.h"
#include "kernel/worker/model/cooling.h"
#include "kernel/worker/model/device_batch_energy.h"

namespace marginalia {

// What of a trial belongs to its energy. Members a config does not name are null.
struct Target {
    std::unique_ptr<Energy> energy;
    std::unique_ptr<ParallelEnergy> batch_energy;
    std::unique_ptr<DeviceEnergy> device_energy;  // on a GPU, where the energy can be there
    std::unique_ptr<DeviceBatchEnergy> device_batch_energy;
    std::unique_ptr<Cooling> cooling;  // what samplers and objectives see in place of the energies above
    std::unique_ptr<Sampler> sampler;
    std::unique_ptr<Objective> objective;

    // What a training step asks.
    BatchEnergy* step_energy() const {
        if (cooling) return cooling->batch_energy();
        if (device_batch_energy) return device_batch_energy.get();
        return batch_energy.get();
    }
};

// A network's buffers by name, which its factory fills with what it sees of an energy.
using Buffers = std::vector<std::pair<std::string, at::Tensor>>;
Buffers buffers_of(const Network& network);

// Each member's target, and what the network sees of it. One of them is at hand, in the trial's parts: its place here
// is empty meanwhile. Of a trial with a single energy, or with a dataset, there is one member, which has no label.
class Members {
public:
    // The first, which is at hand. The network outlives the object.
    Members() = default;
    Members(std::string label, const Network& network);

    // Of one that is not `learnt`, the objective's own parameters (log Z) are nothing: its model has no marginals then.
    // Throws Error where the network sees no difference between this member and another.
    void add(std::string label, bool learnt, Target target, Buffers seen);

    std::size_t count() const { return members_.empty() ? 1 : members_.size(); }
    std::size_t learnt() const { return learnt_; }  // those come first
    std::size_t at_hand() const { return at_hand_; }
    std::string label(std::size_t member) const { return members_.empty() ? "" : members_[member].label; }

    const Target& target(std::size_t member, const Target& at_hand) const {
        return member == at_hand_ ? at_hand : members_[member].target;
    }

    // Puts a member's target in the place of that at hand, and what is seen of it into the network.
    void go_to(std::size_t member, Target& at_hand);

    // The member that learns in a step 1, 2, ...: each once in as many steps as there are, in an order drawn anew from
    // the seed. And which step of its own that is.
    std::size_t learner(std::int64_t step, std::int64_t seed) const;
    std::int64_t own_step(std::int64_t step) const { return (step - 1) / static_cast<std::int64_t>(learnt_) + 1; }

private:
    struct Member {
        std::string label;
        Target target;
        Buffers seen;
    };

    const Network* network_ = nullptr;
    std::vector<Member> members_;
    std::size_t learnt_ = 1, at_hand_ = 0;
};

}  // namespace marginalia
