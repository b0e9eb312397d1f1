// The devices that trials run on: what they are, which of them a worker sees, how much of their memory is free.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "kernel/wire/torch_report.h"
#include "store/store.h"

namespace marginalia {

struct Device {
    std::string name;                         // as stored with trials: "cpu", "cuda:0", "fake:1"
    std::optional<std::string> visible = {};  // CUDA_VISIBLE_DEVICES of its workers; nullopt: that of this process
    store::Hardware hardware = {};
    bool is_cpu() const { return name == "cpu"; }
    std::string text() const;  // "cuda:1 (NVIDIA H200)"
};

// The entry of a CUDA_VISIBLE_DEVICES, as its user wrote it, that leads to `cuda:index`; without a list the index.
std::string visible_entry(const char* list, int index);

// A device as workers of this machine, one of which made the report, find it. `list`: the CUDA_VISIBLE_DEVICES that the
// report was made with; null: none.
Device described_device(const std::string& name, const TorchReport& torch, const char* list);

// Bytes of a device.
struct DeviceMemory {
    std::int64_t total = 0, free = 0;
};

// Asks the driver's management library (NVML), where it is there, how much of a GPU's memory is free; fake devices, for
// tests, say it in files of the folder MARGINALIA_FAKE_DEVICES: `memory`, the bytes of each, and `fake:N/PID`, what a
// process that lives has taken of one. Not thread-safe.
class DeviceMeter {
public:
    DeviceMeter();
    ~DeviceMeter();
    DeviceMeter(const DeviceMeter&) = delete;
    DeviceMeter& operator=(const DeviceMeter&) = delete;

    // nullopt: that cannot be known.
    std::optional<DeviceMemory> memory(const Device& device) const;
    // Whether the driver says that the device is gone from the bus.
    bool is_lost(const Device& device) const;

private:
    class Nvml;
    const Nvml& nvml() const;
    mutable std::unique_ptr<Nvml> nvml_;  // opened once somebody asks about a GPU
    std::string fakes_;
};

}  // namespace marginalia
