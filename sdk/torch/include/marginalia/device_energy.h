// Energies over tensors of states, on the device of a trial, so that no state is copied to the host and back.
#pragma once

#include <memory>
#include <vector>

#include <ATen/core/Generator.h>
#include <ATen/core/TensorBody.h>

#include <marginalia/energy.h>
#include <marginalia/torch_tag.h>

namespace marginalia {

// An energy on one device. Its byte form, Energy, says what the values are; these agree but for rounding. States are
// (B, D) int64 symbols 0..K-1 on the device, all sites known. No method waits for the device. Called from the training
// thread, grad mode on or off; no gradient flows.
class MARGINALIA_API DeviceEnergy {
public:
    virtual ~DeviceEnergy();
    DeviceEnergy(const DeviceEnergy&) = delete;
    DeviceEnergy& operator=(const DeviceEnergy&) = delete;

    const at::Device& device() const { return device_; }
    std::int64_t sites() const { return sites_; }
    std::int64_t categories() const { return categories_; }

    // Whether log f is finite for every state. Where it is not, it may be -infinity too.
    bool finite() const { return finite_; }

    // (B) float64: log f in nats.
    virtual at::Tensor log_densities(const at::Tensor& x) const = 0;

    // The sites in classes, each (S) int64 on the device: no term of log f holds two sites of one class, so that all of
    // them may be drawn at once given the others. Every site is in one. Two for a lattice with even extents.
    const std::vector<at::Tensor>& colours() const { return colours_; }

    // (B, S, K) float64 for the S sites of a colour: log f with the site set to each symbol, the others as they are, up
    // to a constant of the row and the site.
    virtual at::Tensor site_log_densities(const at::Tensor& x, std::size_t colour) const = 0;

    // (B) float64: Energy::partial_log_density of partial states, □ being K. An undefined tensor: not offered here.
    virtual at::Tensor partial_log_densities(const at::Tensor& x) const;

protected:
    DeviceEnergy(const at::Device& device, std::int64_t sites, std::int64_t categories, bool finite)
        : device_(device), sites_(sites), categories_(categories), finite_(finite) {}

    std::vector<at::Tensor> colours_;  // filled by the constructor

private:
    const at::Device device_;
    const std::int64_t sites_, categories_;
    const bool finite_;
};

// What an Energy of tier 2 derives from as well, where it puts itself on devices in a way of its own; otherwise
// Energy::form serves.
class MARGINALIA_API DeviceEnergySource {
public:
    virtual ~DeviceEnergySource();

    // nullptr: not on that device. What is made may use the energy, which outlives it.
    virtual std::unique_ptr<DeviceEnergy> on_device(const at::Device& device) const = 0;
};

// The energy on a device, by itself as a DeviceEnergySource or by its form; nullptr where it offers neither. Throws
// Error naming what is wrong in the form.
MARGINALIA_API std::unique_ptr<DeviceEnergy> device_energy(const Energy& energy, const at::Device& device);

// Heat-bath updates of full states x (B, D) on f(x)^beta, `beta` being a float64 tensor that goes with (B, S, K), such
// as (B, 1, 1), or undefined for 1. The probabilities (B, S, K) float64 of the symbols of a colour's sites given the
// others: 0 where log f is -infinity, but all alike where it is that for every symbol.
MARGINALIA_API at::Tensor heat_bath_probabilities(const DeviceEnergy& energy, const at::Tensor& x, std::size_t colour,
                                                  const at::Tensor& beta = {});

// (B, S) int64: a symbol of each of such distributions, by a generator of the device.
MARGINALIA_API at::Tensor draw_symbols(const at::Tensor& probabilities, at::Generator& generator);

// Draws every site of x anew, in place, colour by colour. Leaves f^beta / Z(beta) invariant.
MARGINALIA_API void heat_bath_sweep(const DeviceEnergy& energy, at::Tensor& x, const at::Tensor& beta,
                                    at::Generator& generator);

}  // namespace marginalia
