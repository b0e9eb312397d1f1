// The energy as a training sees it that begins hot (train.anneal_from).
#pragma once

#include <memory>
#include <string>

#include <marginalia/device_energy.h>
#include <marginalia/energy.h>
#include <marginalia/objective.h>

#include "kernel/spec/settings.h"

namespace marginalia {

// Whether they ask for it.
inline bool anneals(const TrainSettings& settings) { return settings.anneal_from != 1 || settings.anneal_steps != 0; }

// f^b in place of f for samplers and objectives, b rising with the step from train.anneal_from to 1:
//
//   log f_b(x) = b log f(x) + (1 - b) Φ(all □)
//   Φ_b(x_S) = b Φ(x_S) + (1 - b) Φ(all □)      Φ the energy's partial density, 0 where it offers none
//
// The constant leaves the first estimate of log Z where it is, and the two equal on full states, as forward-looking
// objectives need. b is 1 until a training says otherwise, so that evaluations and answers see f itself, to the bit.
class Cooling {
public:
    // Energies, `there` the one on the device or null, outlive the object. Throws Error, naming the key, where the two
    // keys do not go together, or the chains of a GPU could not follow.
    Cooling(const TrainSettings& settings, const Energy& energy, const DeviceEnergy* there, const std::string& name,
            const at::Device& device);
    ~Cooling();

    void go_to(std::int64_t step);  // 1, 2, ...; no evaluation of the energy is under way
    double beta() const { return beta_; }

    const Energy& energy() const { return *energy_; }
    const DeviceEnergy* device_energy() const { return there_.get(); }
    BatchEnergy* batch_energy() const { return batch_energy_.get(); }

private:
    const double from_, steps_;
    double beta_ = 1;
    std::unique_ptr<Energy> energy_;
    std::unique_ptr<DeviceEnergy> there_;
    std::unique_ptr<BatchEnergy> batch_energy_;
};

}  // namespace marginalia
