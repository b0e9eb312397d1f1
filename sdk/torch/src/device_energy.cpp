#include <ATen/ATen.h>
#include <marginalia/device_energy.h>

#include "form_energy.h"

namespace marginalia {

DeviceEnergy::~DeviceEnergy() = default;
at::Tensor DeviceEnergy::partial_log_densities(const at::Tensor&) const { return {}; }

DeviceEnergySource::~DeviceEnergySource() = default;

std::unique_ptr<DeviceEnergy> device_energy(const Energy& energy, const at::Device& device) {
    if (const auto* source = dynamic_cast<const DeviceEnergySource*>(&energy)) return source->on_device(device);
    const auto form = energy.form();
    return form ? make_form_energy(*form, energy.sites(), energy.categories(), device) : nullptr;
}

at::Tensor heat_bath_probabilities(const DeviceEnergy& energy, const at::Tensor& x, std::size_t colour,
                                   const at::Tensor& beta) {
    at::Tensor values = energy.site_log_densities(x, colour);
    const at::Tensor impossible = energy.finite() ? at::Tensor() : values == -INFINITY;
    if (beta.defined()) values = values * beta;
    if (!impossible.defined()) return values.softmax(2);
    // At beta = 0 the product is not -infinity; where all symbols are impossible their softmax is not a number.
    const at::Tensor p = values.masked_fill(impossible, -INFINITY).softmax(2);
    return p.nan_to_num(1.0 / static_cast<double>(energy.categories()));
}

// By exponential races, the first of E_k / p_k, whose numbers of a row are in no running sum that devices round in
// different orders. Of two symbols one number suffices.
at::Tensor draw_symbols(const at::Tensor& probabilities, at::Generator& generator) {
    const bool two = probabilities.size(2) == 2;
    const at::Tensor u =
        at::rand(two ? probabilities.select(2, 1).sizes() : probabilities.sizes(), generator, probabilities.options());
    if (two) return (u < probabilities.select(2, 1)).to(at::kLong);
    constexpr double least = 1e-30;  // of E, so that 0 / E is 0
    return (probabilities / (1 - u).log().neg().clamp_min(least)).argmax(2);
}

void heat_bath_sweep(const DeviceEnergy& energy, at::Tensor& x, const at::Tensor& beta, at::Generator& generator) {
    for (std::size_t colour = 0; colour < energy.colours().size(); ++colour)
        x.index_copy_(1, energy.colours()[colour],
                      draw_symbols(heat_bath_probabilities(energy, x, colour, beta), generator));
}

}  // namespace marginalia
