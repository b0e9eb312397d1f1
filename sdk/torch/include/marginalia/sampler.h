// Samplers: where the states come from on which a model is trained.
#pragma once

#include <string>

#include <ATen/core/Generator.h>

#include <marginalia/network_joint.h>
#include <marginalia/state_dict.h>

namespace marginalia {

class DeviceEnergy;
class Energy;

// What a sampler or objective is made for.
struct TrainingSetup {
    Domain domain;
    std::int64_t batch = 0;  // B: states per step
    at::Device device = at::kCPU;
    const Energy* energy = nullptr;  // the trial's, which outlives the object made; nullptr for a dataset
    // The same energy on `device` (device_energy.h), to be used in place of `energy`, so that states stay there.
    // nullptr on the CPU, and where the energy cannot be there.
    const DeviceEnergy* device_energy = nullptr;
};

// Draws or refreshes B states, with a network's conditionals or from the energy itself. Called from the training thread
// with grad mode off.
class MARGINALIA_API Sampler {
public:
    virtual ~Sampler() = default;

    // The next B states, (B, D) int64 on the setup's device, all sites known. `generator` is the trial's own.
    virtual at::Tensor draw(const Network& network, at::Generator& generator) = 0;

    // (B) float64: log p_φ of the states of the last draw, a normalised density, where drawing them has told it; an
    // undefined tensor otherwise.
    virtual at::Tensor log_density() const { return {}; }

    // Whether it can draw where sites differ (Domain::site_categories). Those that sum over the symbols of a site
    // cannot.
    virtual bool takes_mixed_sites() const { return false; }

    // One line about the chains so far, such as acceptance rates; empty: nothing to say.
    virtual std::string report() const { return {}; }

    // Chains and whatever else makes the next draw the same after a resume.
    virtual StateDict state() const { return {}; }
    virtual void load(const StateDict&) {}
};

// Full states (N, D), or partial ones where `partial`, that a sampler or objective put into a checkpoint under this
// name: int64 on the device that they have there. Throws Error where there are none, or one has a symbol that the
// domain does not have: a checkpoint may come from anybody, and energies trust the symbols that they are given. For
// `load`.
// `kept_states` is the form in which to put states there.
MARGINALIA_API at::Tensor saved_states(const StateDict& state, const std::string& name, const Domain& domain,
                                       bool partial = false);
MARGINALIA_API at::Tensor kept_states(const at::Tensor& x, const Domain& domain);

using SamplerFactory = Sampler* (*)(const Params&, const TrainingSetup&, at::Generator&);

}  // namespace marginalia

// Exports class `type`, constructible from (const Params&, const TrainingSetup&, at::Generator&), as a sampler plugin.
// A last argument "energy" says that it needs one: an experiment without is refused before anything runs.
#define MARGINALIA_SAMPLER(type, name, summary, manual, list, ...)                                                 \
    static_assert(std::is_base_of_v<marginalia::Sampler, type>);                                                   \
    static marginalia::Sampler* marginalia_create(const marginalia::Params& p, const marginalia::TrainingSetup& s, \
                                                  at::Generator& g) {                                              \
        return new type(p, s, g);                                                                                  \
    }                                                                                                              \
    MARGINALIA_PLUGIN(MARGINALIA_TORCH_BUILD_TAG, "sampler", name, summary, manual, list, &marginalia_create,      \
                      "" __VA_ARGS__)
