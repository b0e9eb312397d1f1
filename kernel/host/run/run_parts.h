// What run.cpp shares with evaluate.cpp.
#pragma once

#include <string>
#include <vector>

#include "kernel/host/run/scheduler.h"
#include "kernel/spec/settings.h"

namespace marginalia {

// The [run] table in the scheduler's terms.
ScheduleOptions schedule_options(const RunSettings& run, int cuda_devices, const WorkerPatience& patience);

// "2 slots (cpu, 1 thread each)"
std::string slots_text(const std::vector<Slot>& slots);

int exit_code_after(int signal);

}  // namespace marginalia
