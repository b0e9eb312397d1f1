// What passes between the host and a trial's device in a training step.
//
// A GPU works on its own while the host goes on to the next operator. Whatever the host has to look at (`item`,
// `nonzero`, a boolean mask as an index, `.cpu()`) makes it wait until the GPU has done all that it was given, and then
// the GPU for the host. So a step looks at nothing: it computes with masks, draws what the host must know from the
// host's own generator (TrainingStep::host_generator), and copies by these, so that it shows what a step copies: on
// the CPU they do nothing else. `marginalia check-plugin` counts copies of both directions. States are copied as bytes
// (energy_states.h).
#pragma once

#include <memory>

#include <ATen/core/Generator.h>
#include <ATen/core/TensorBody.h>

#include <marginalia/torch_tag.h>

namespace c10 {
struct Event;
}

namespace marginalia {

// x in the host's memory, which waits for the device that it is on, and x on a device. The second does not wait: x may
// be changed at once, and the device has it before whatever it is given next.
MARGINALIA_API at::Tensor to_host(const at::Tensor& x);
MARGINALIA_API at::Tensor to_device(const at::Tensor& x, const at::Device& device);

// x on its way to the host. Begun before a network's pass and waited for after it, the copy keeps nobody waiting: it
// takes place beside the pass, and `wait` returns when it is there, whatever else the device still has to do. On the
// CPU nothing is copied: it is x itself.
class MARGINALIA_API HostCopy {
public:
    HostCopy() = default;
    explicit HostCopy(const at::Tensor& x);  // returns at once

    // x in the host's memory, contiguous. From any thread, one at a time.
    const at::Tensor& wait() const;

private:
    at::Tensor copy_;
    std::shared_ptr<const c10::Event> made_;  // null: it is there
};

// Uniform over [0, 1), in steps of 2^-24, and over low..high-1, from a CPU generator: one number of at::rand and of
// at::randint.
MARGINALIA_API double host_uniform(at::Generator& host);
MARGINALIA_API std::int64_t host_integer(std::int64_t low, std::int64_t high, at::Generator& host);

// Names under which LibTorch's profilers see the two copies.
inline constexpr const char* to_host_mark = "marginalia::to_host";
inline constexpr const char* to_device_mark = "marginalia::to_device";

}  // namespace marginalia
