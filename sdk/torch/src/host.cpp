#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <ATen/record_function.h>
#include <c10/core/Event.h>
#include <c10/core/StreamGuard.h>
#include <c10/core/impl/VirtualGuardImpl.h>
#include <marginalia/host.h>

namespace marginalia {
namespace {

// Of the shape and type of x in memory that a device copies from and to by itself. LibTorch keeps such memory and gives
// it out again when the copies with it are done.
at::Tensor pinned_like(const at::Tensor& x) {
    return at::empty(x.sizes(), at::TensorOptions(x.scalar_type()).pinned_memory(true));
}

}  // namespace

at::Tensor to_host(const at::Tensor& x) {
    RECORD_FUNCTION(to_host_mark, std::vector<c10::IValue>{});
    return x.cpu();
}

at::Tensor to_device(const at::Tensor& x, const at::Device& device) {
    RECORD_FUNCTION(to_device_mark, std::vector<c10::IValue>{});
    if (device.is_cpu() || !x.is_cpu()) return x.to(device);
    return pinned_like(x).copy_(x).to(device, true);
}

// On a stream of its own, so that the device may begin at once with what it is given next.
HostCopy::HostCopy(const at::Tensor& x) {
    RECORD_FUNCTION(to_host_mark, std::vector<c10::IValue>{});
    const at::NoGradGuard no_grad;
    const at::Tensor source = x.contiguous();
    if (x.is_cpu()) {
        copy_ = source;
        return;
    }
    const c10::impl::VirtualGuardImpl device(x.device().type());
    const c10::Stream copies = device.getStreamFromGlobalPool(x.device());
    c10::Event computed(x.device().type());
    computed.record(device.getStream(x.device()));
    computed.block(copies);
    copy_ = pinned_like(source);
    const auto made = std::make_shared<c10::Event>(x.device().type());
    const c10::StreamGuard on_it(copies);
    copy_.copy_(source, true);
    source.record_stream(copies);  // else its memory might be given out before it is copied
    made->record(copies);
    made_ = made;
}

const at::Tensor& HostCopy::wait() const {
    if (made_) made_->synchronize();
    return copy_;
}

// Read where they lie: `item` is for tensors that may be on another device.
double host_uniform(at::Generator& host) { return at::rand({1}, host, at::kFloat).const_data_ptr<float>()[0]; }

std::int64_t host_integer(std::int64_t low, std::int64_t high, at::Generator& host) {
    return at::randint(low, high, {1}, host, at::kLong).const_data_ptr<std::int64_t>()[0];
}

}  // namespace marginalia
