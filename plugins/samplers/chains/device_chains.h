// Chains on an energy that is on the trial's device (marginalia/device_energy.h): all of them at once, and the host
// waits for none. Their random numbers are the trial's, so that they depend on the device.
#pragma once

#include <marginalia/device_energy.h>

#include "chains.h"

namespace chains {

class DeviceChains {
public:
    // The energy outlives the object. `generator` is of its device, in the other methods too.
    DeviceChains(const marginalia::DeviceEnergy& energy, std::int64_t count, Start start, at::Generator& generator);

    // Draws every site of every chain from f^beta given its other sites; beta (count) float64, undefined for 1.
    void sweep(const at::Tensor& beta, at::Generator& generator);

    std::int64_t count() const { return states_.size(0); }
    const marginalia::DeviceEnergy& energy() const { return energy_; }
    const at::Tensor& states() const { return states_; }  // (count, D) int64, which the next sweep changes

    // Sets the chains numbered in `places` (M) int64, each once, to the rows of x (M, D).
    void put(const at::Tensor& places, const at::Tensor& x);

    // As the tensor "states", and back. Throws Error where it holds others than these chains.
    void save(marginalia::StateDict& state) const;
    void load(const marginalia::StateDict& state);

private:
    const marginalia::DeviceEnergy& energy_;
    at::Tensor states_;
};

}  // namespace chains
