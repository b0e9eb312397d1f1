// Places where trials run: what the [run] table of an experiment makes of this machine.
#pragma once

#include <string>
#include <vector>

#include "kernel/spec/settings.h"

namespace marginalia {

// One trial at a time runs in a slot, in a worker process of its own.
struct Slot {
    std::string device;  // as stored with the trial: "cpu", "cuda:0", "fake:1"
    int threads = 1;
    std::string torch_device() const;  // what the trial is told: fake devices, for tests, are the CPU
};

// Processors that this process may use: its affinity mask, narrowed by the CPU quota of its cgroup. At least 1.
int available_cores();

// Who else wants the cores.
struct Demand {
    std::size_t trials = 1;  // waiting in this run
    int other_runs = 0;      // on this machine
};

// The slots that [run] asks for: `device` is "auto" (every CUDA device, else the CPU) or a comma list of "cpu",
// "cuda:N" and "fake:N". The CPU gives `slots` slots of `cores` threads; 0 cores: the machine's shared out evenly;
// 0 slots: as many as there are cores for. Where neither is given, a trial for each core as far as trials and memory
// go: two trials of one thread get further than one of two. Other runs get their share of the cores. A CUDA slot has
// `cores` threads, or its share of the machine. Throws Error for a device that is not there.
std::vector<Slot> make_slots(const RunSettings& run, int cuda_devices, int cores, const Demand& demand = {});

}  // namespace marginalia
