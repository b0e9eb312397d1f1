// What a plugin would make the host of a GPU wait for, in words.
#pragma once

#include <c10/core/Device.h>

#include <functional>
#include <string>

namespace marginalia {

inline constexpr const char* waits_check = "waits for a GPU";  // the check's name

// Runs `work` and says what in it waits: "none", or a warning with the operators' names; and the copies that it marks
// as meant. `what` is what it does once: "a step", "a draw"; `device` has its tensors.
std::string waits_of(const std::string& what, const std::function<void()>& work, const at::Device& device = at::kCPU);

}  // namespace marginalia
