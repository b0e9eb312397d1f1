#include "kernel/worker/model/device_batch_energy.h"

#include <ATen/ATen.h>

#include <utility>

namespace marginalia {

DeviceBatchEnergy::DeviceBatchEnergy(const DeviceEnergy& energy, std::string name)
    : energy_(energy), name_(std::move(name)) {}

void DeviceBatchEnergy::start(const at::Tensor& x) {
    try {
        values_ = energy_.log_densities(x);
    } catch (const std::exception& error) {
        throw Error("energy '" + name_ + "': " + error.what());
    }
}

at::Tensor DeviceBatchEnergy::finish() {
    if (!values_.defined()) throw Error("energy evaluation was finished but never started");
    return std::exchange(values_, {});
}

std::optional<std::int64_t> DeviceBatchEnergy::impossible() const {
    return energy_.finite() ? std::optional<std::int64_t>(0) : std::nullopt;
}

}  // namespace marginalia
