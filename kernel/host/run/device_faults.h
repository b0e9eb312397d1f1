// What an error's text says of the device that a trial ran on.
#pragma once

#include <string_view>

namespace marginalia {

enum class DeviceFault {
    none,
    context,  // the process cannot use the device any longer: a fault of the device or of the code that ran there
    lost,     // the device itself is gone or broken
};

// By the driver's own words (cudaGetErrorString, cuDNN, cuBLAS, NVML). A failed assertion of a kernel is the code's
// fault, and lack of memory is none of the device's.
DeviceFault device_fault(std::string_view text);

}  // namespace marginalia
