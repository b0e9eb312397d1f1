// Where a step makes the host wait for a device, found by watching LibTorch's operators. A CPU shows it too.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include <c10/core/Device.h>

namespace marginalia {

struct DeviceWaits {
    // By operator and the outermost one that called it: those whose result the host must have before it can go on, such
    // as `item` and `nonzero`, and copies between devices that are not marked.
    std::map<std::string, std::int64_t> waits;
    std::int64_t to_host = 0, to_device = 0;  // copies marked by host.h

    std::int64_t count() const;
    std::string text() const;  // "item 2, nonzero in index 1"
};

// Counts on all threads while it lives; one at a time. On the CPU, where no tensor is on another device, it counts all
// that would wait if the tensors were on a GPU; on a GPU what works on its tensors.
class WaitCounter {
public:
    explicit WaitCounter(const at::Device& device = at::kCPU);
    ~WaitCounter();
    WaitCounter(const WaitCounter&) = delete;
    WaitCounter& operator=(const WaitCounter&) = delete;

    // What was counted since it was last asked.
    DeviceWaits take();

private:
    const std::uint64_t handle_;
};

}  // namespace marginalia
