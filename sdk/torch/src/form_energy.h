// An energy's form on a device.
#pragma once

#include <marginalia/device_energy.h>

namespace marginalia {

// Throws Error naming what is wrong in the form: its sizes, sites that do not exist, numbers that are not finite.
std::unique_ptr<DeviceEnergy> make_form_energy(const EnergyForm& form, std::int64_t sites, std::int64_t categories,
                                               const at::Device& device);

}  // namespace marginalia
