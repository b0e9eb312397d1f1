// What the kernel says about processes killed for lack of memory.
#pragma once

#include <cstdint>

namespace marginalia {

// How many processes of this process's memory cgroup the kernel has killed for lack of memory; 0 where it does not say.
std::int64_t out_of_memory_kills();

}  // namespace marginalia
