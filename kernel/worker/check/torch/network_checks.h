// The single checks of a network, on one domain. Each returns what it found and throws Error where something is wrong.
#pragma once

#include <string>

#include "kernel/worker/check/torch/network_probe.h"

namespace marginalia {

// network_values.cpp
std::string check_shapes(const NetworkProbe& probe);
std::string check_finite(const NetworkProbe& probe);
std::string check_blank(const NetworkProbe& probe);
std::string check_methods(const NetworkProbe& probe);
std::string check_rows(const NetworkProbe& probe);

// network_weights.cpp
std::string check_gradients(const NetworkProbe& probe);
std::string check_saving(const NetworkProbe& probe);
std::string check_checkpoint(const NetworkProbe& probe);
std::string check_repeat(const NetworkProbe& probe);
std::string check_weights(const NetworkProbe& probe);
std::string measure_speed(const NetworkProbe& probe);

// network_waits.cpp
std::string check_waits(const NetworkProbe& probe);

// Does the network on another device work like the one here? On CUDA where there is one; otherwise on LibTorch's `meta`
// device, where operators check devices and shapes and compute nothing.
std::string check_device_move(const NetworkProbe& probe);

}  // namespace marginalia
