// bfloat16 in place of float32 for a while.
#pragma once

#include <ATen/autocast_mode.h>

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
    Autocast(const Autocast&) = delete;
    Autocast& operator=(const Autocast&) = delete;

private:
    const bool on_;
    const at::DeviceType device_;
};

}  // namespace marginalia
