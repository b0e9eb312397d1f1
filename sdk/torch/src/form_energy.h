// An energy's form, checked, and on a device.
#pragma once

#include <marginalia/device_energy.h>

namespace marginalia {

// Throws Error naming what is wrong in the form: its sizes, sites that do not exist, numbers that are not finite.
void check_form(const EnergyForm& form, std::int64_t sites, std::int64_t categories);

// Checks it too.
std::unique_ptr<DeviceEnergy> make_form_energy(const EnergyForm& form, std::int64_t sites, std::int64_t categories,
                                               const at::Device& device);

}  // namespace marginalia
