#include "kernel/worker/check/torch/wait_check.h"

#include "kernel/worker/machine/device_waits.h"

namespace marginalia {

std::string waits_of(const std::string& what, const std::function<void()>& work, const at::Device& device) {
    WaitCounter counter(device);
    work();
    const DeviceWaits found = counter.take();
    std::string text = "none in " + what;
    if (found.count() > 0)
        text = "warning: " + std::to_string(found.count()) + " in " + what + " (" + found.text() +
               "), each of which leaves a GPU idle; keep what they look at on the device, see docs/plugins.md";
    if (found.to_host + found.to_device > 0)
        text += "; marked copies: " + std::to_string(found.to_host) + " to the host, " +
                std::to_string(found.to_device) + " to the device";
    return text;
}

}  // namespace marginalia
