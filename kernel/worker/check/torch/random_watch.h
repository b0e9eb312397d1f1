// Where random numbers come from while a plugin is checked.
#pragma once

#include <ATen/ATen.h>

#include "kernel/worker/check/checker.h"
#include "kernel/worker/model/trial_parts.h"

namespace marginalia {

// A generator of its own for each number, of the CPU or another device.
inline at::Generator seeded(std::uint64_t number, const at::Device& device = at::kCPU) {
    return make_generator(device, static_cast<std::int64_t>(number), 77);
}

// LibTorch's global generators, of the CPU and of the device, which no plugin may use.
class GlobalGenerator {
public:
    explicit GlobalGenerator(const at::Device& device) : device_(device), before_(state()) {}

    void expect_untouched(const std::string& who) const {
        expect(at::equal(before_, state()),
               who +
                   " draws from LibTorch's global generator, so that a seed does not fix the trial; "
                   "pass the generator it is given to every random function");
    }

private:
    at::Tensor state() const {
        const auto of = [](const at::Device& device) {
            return at::globalContext().defaultGenerator(device).get_state();
        };
        return device_.is_cpu() ? of(device_) : at::cat({of(at::kCPU), of(device_)});
    }

    const at::Device device_;
    const at::Tensor before_;
};

}  // namespace marginalia
