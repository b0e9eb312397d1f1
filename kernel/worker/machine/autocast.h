// bfloat16 in place of float32 for a while.
#pragma once

#include <ATen/autocast_mode.h>

#include <vector>

namespace marginalia {

// Runs matrix products in bfloat16 while it lives, if it is on.
class Autocast {
public:
    Autocast(bool on, at::DeviceType device) : on_(on), device_(device) {
        if (!on_) return;
        at::autocast::set_autocast_enabled(device_, true);
        at::autocast::set_autocast_dtype(device_, at::kBFloat16);
    }
    ~Autocast() {
        if (!on_) return;
        at::autocast::clear_cache();
        at::autocast::set_autocast_enabled(device_, false);
    }

    // Casts weights for all that follows. Without it LibTorch before 2.11 keeps a cast that was first asked for with
    // gradients off, as samplers do, and the weights then get no gradient from it.
    void cast(const std::vector<at::Tensor>& weights) const {
        if (!on_) return;
        for (const at::Tensor& weight : weights) at::autocast::cached_cast(at::kBFloat16, weight, device_);
    }

    Autocast(const Autocast&) = delete;
    Autocast& operator=(const Autocast&) = delete;

private:
    const bool on_;
    const at::DeviceType device_;
};

}  // namespace marginalia
