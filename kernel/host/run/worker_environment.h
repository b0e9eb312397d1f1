// Environment variables with which a worker's runtime libraries are at their best. scripts/bench sets the same.
#pragma once

#include <span>

namespace marginalia {

struct WorkerSetting {
    const char* name;
    const char* value;
    const char* overridden_by = nullptr;  // another variable by which a user may have chosen
};

// Every setting, chosen by the user or not.
std::span<const WorkerSetting> worker_settings();

// Whether the environment of this process leaves the choice to us.
bool left_to_us(const WorkerSetting& setting);

}  // namespace marginalia
