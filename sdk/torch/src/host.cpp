#include <ATen/ATen.h>
#include <ATen/record_function.h>
#include <marginalia/host.h>

namespace marginalia {

at::Tensor to_host(const at::Tensor& x) {
    RECORD_FUNCTION(to_host_mark, std::vector<c10::IValue>{});
    return x.cpu();
}

at::Tensor to_device(const at::Tensor& x, const at::Device& device) {
    RECORD_FUNCTION(to_device_mark, std::vector<c10::IValue>{});
    return x.to(device);
}

// Read where they lie: `item` is for tensors that may be on another device.
double host_uniform(at::Generator& host) { return at::rand({1}, host, at::kFloat).const_data_ptr<float>()[0]; }

std::int64_t host_integer(std::int64_t low, std::int64_t high, at::Generator& host) {
    return at::randint(low, high, {1}, host, at::kLong).const_data_ptr<std::int64_t>()[0];
}

}  // namespace marginalia
