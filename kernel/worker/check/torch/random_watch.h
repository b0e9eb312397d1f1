// Where random numbers come from while a plugin is checked.
#pragma once

#include <ATen/ATen.h>

#include "kernel/worker/check/checker.h"
#include "kernel/worker/model/trial_parts.h"

namespace marginalia {

// A CPU generator of its own for each number.
inline at::Generator seeded(std::uint64_t number) {
    return make_generator(at::kCPU, static_cast<std::int64_t>(number), 77);
}

// LibTorch's global generator, which no plugin may use.
class GlobalGenerator {
public:
    GlobalGenerator() : before_(state()) {}

    void expect_untouched(const std::string& who) const {
        expect(at::equal(before_, state()),
               who +
                   " draws from LibTorch's global generator, so that a seed does not fix the trial; "
                   "pass the generator it is given to every random function");
    }

private:
    static at::Tensor state() { return at::globalContext().defaultGenerator(at::kCPU).get_state(); }

    const at::Tensor before_;
};

}  // namespace marginalia
