#include "device_chains.h"

#include <ATen/ATen.h>

#include <marginalia/host.h>

namespace chains {

DeviceChains::DeviceChains(const marginalia::DeviceEnergy& energy, std::int64_t count, Start start,
                           at::Generator& generator)
    : energy_(energy) {
    const auto whole = at::TensorOptions(at::kLong).device(energy.device());
    states_ = at::randint(energy.categories(), {count, energy.sites()}, generator, whole);
    if (start == Start::random) return;
    const at::Tensor turn = at::arange(count, whole).remainder(energy.categories() + 1).unsqueeze(1);
    states_ = at::where(turn < energy.categories(), turn, states_);
}

void DeviceChains::sweep(const at::Tensor& beta, at::Generator& generator) {
    marginalia::heat_bath_sweep(energy_, states_, beta.defined() ? beta.view({-1, 1, 1}) : beta, generator);
}

void DeviceChains::put(const at::Tensor& places, const at::Tensor& x) { states_.index_copy_(0, places, x); }

void DeviceChains::save(marginalia::StateDict& state) const { state["states"] = states_.to(at::kByte); }

void DeviceChains::load(const marginalia::StateDict& state) {
    const marginalia::Domain domain{energy_.sites(), energy_.categories(), {}};
    const at::Tensor saved = marginalia::saved_states(state, "states", domain);
    if (saved.size(0) != count())
        throw marginalia::Error("the checkpoint holds " + std::to_string(saved.size(0)) +
                                " chains where the sampler has " + std::to_string(count()) +
                                "; go on with the batch and the parameters that it was saved with");
    states_ = marginalia::to_device(saved, energy_.device());
}

}  // namespace chains
