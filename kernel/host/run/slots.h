// Places where trials run: what the [run] table of an experiment makes of this machine.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "kernel/spec/settings.h"

namespace marginalia {

// One trial at a time runs in a slot, in a worker process of its own.
struct Slot {
    std::string device;  // as stored with the trial: "cpu", "cuda:0", "fake:1"
    int threads = 1;
    // The name that the trial uses: a worker sees the one device of its slot; fake devices, for tests, are the CPU.
    std::string torch_device() const;
};

// Bytes of memory that the system can still give.
std::int64_t available_memory();

// Who wants cores and devices.
struct Demand {
    std::size_t trials = 1;   // waiting in this run
    int other_runs = 0;       // on this machine
    std::int64_t memory = 0;  // least that a trial asks of a device; 0: none says
    double fraction = 0;      // the same of a device as a whole
    int cores = 0;            // least that a trial asks of the machine; 0: there is one that does not say
};

// The slots that [run] asks for: `device` is "auto" (every CUDA device, else the CPU) or a comma list of "cpu",
// "cuda:N" and "fake:N". The CPU gives `slots` slots of `cores` threads; 0 cores: the machine's shared out evenly;
// 0 slots: as many as there are cores for. Where neither is given, a trial for each core as far as trials and memory
// go: two trials of one thread get further than one of two. Other runs get their share of the cores. Every other device
// gives `slots` slots; 0: as many as its memory, of which `gpus` has the bytes of each, holds of the smallest trial,
// else one. A CUDA slot has `cores` threads, or its share of the machine. Throws Error for a device that is not there.
std::vector<Slot> make_slots(const RunSettings& run, const std::vector<std::int64_t>& gpus, int cores,
                             const Demand& demand = {});

}  // namespace marginalia
