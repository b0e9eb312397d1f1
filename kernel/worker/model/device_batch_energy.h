// A trial's energy in a training step where it is on the trial's device.
#pragma once

#include <marginalia/device_energy.h>
#include <marginalia/objective.h>

#include <string>

namespace marginalia {

// Evaluates where the states are: nothing is copied, and the host waits for nothing. Errors have the energy's name.
class DeviceBatchEnergy final : public BatchEnergy {
public:
    // `energy` outlives the object.
    DeviceBatchEnergy(const DeviceEnergy& energy, std::string name);

    void start(const at::Tensor& x) override;
    at::Tensor finish() override;
    std::optional<std::int64_t> impossible() const override;

private:
    const DeviceEnergy& energy_;
    const std::string name_;
    at::Tensor values_;  // of a state that was started and not finished
};

}  // namespace marginalia
