#include <ATen/ATen.h>
#include <marginalia/energy_states.h>
#include <marginalia/host.h>
#include <marginalia/real_sites.h>
#include <marginalia/sampler.h>
#include <oneapi/tbb/blocked_range.h>
#include <oneapi/tbb/parallel_for.h>

#include <atomic>

namespace marginalia {

std::vector<std::uint8_t> to_bytes(const at::Tensor& x) {
    const at::Tensor bytes = to_host(x.to(at::kByte)).contiguous();
    const auto* data = bytes.data_ptr<std::uint8_t>();
    return {data, data + bytes.numel()};
}

at::Tensor from_bytes(States rows) { return byte_rows(rows).to(at::kLong); }

at::Tensor byte_rows(States rows) {
    at::Tensor bytes =
        at::empty({static_cast<std::int64_t>(rows.size()), static_cast<std::int64_t>(rows.width)}, at::kByte);
    std::copy(rows.bytes.begin(), rows.bytes.end(), bytes.data_ptr<std::uint8_t>());
    return bytes;
}

at::Tensor to_device_states(const at::Tensor& bytes, const at::Device& device) {
    return to_device(bytes, device).to(at::kLong);
}

void in_parallel(std::int64_t rows, const std::function<void(std::int64_t, std::int64_t)>& body) {
    using Range = oneapi::tbb::blocked_range<std::int64_t>;
    oneapi::tbb::parallel_for(Range(0, rows, 8), [&](const Range& range) { body(range.begin(), range.end()); });
}

States states_of(const at::Tensor& bytes) {
    return {{bytes.const_data_ptr<std::uint8_t>(), static_cast<std::size_t>(bytes.numel())},
            static_cast<std::size_t>(bytes.size(1))};
}

PartialDensities::PartialDensities(const Energy& energy, const at::Tensor& x)
    : energy_(&energy), device_(x.device()), bytes_(x.to(at::kByte)) {}

at::Tensor PartialDensities::values() const {
    const States rows = states_of(bytes_.wait());
    at::Tensor values = at::empty({static_cast<std::int64_t>(rows.size())}, at::kDouble);
    auto* out = values.data_ptr<double>();
    std::atomic<bool> offered = true;
    in_parallel(values.size(0), [&](std::int64_t first, std::int64_t end) {
        for (std::int64_t row = first; row < end && offered; ++row) {
            const auto value = energy_->partial_log_density(rows[static_cast<std::size_t>(row)]);
            if (value) out[row] = *value;
            else offered = false;
        }
    });
    return offered ? to_device(values, device_) : at::Tensor();
}

at::Tensor saved_states(const StateDict& state, const std::string& name, const Domain& domain, bool partial) {
    const auto found = state.find(name);
    if (found == state.end()) throw Error("there are no '" + name + "'");
    const at::Tensor& x = found->second;
    if (x.dim() != 2 || x.size(1) != domain.sites || (x.scalar_type() != at::kByte && x.scalar_type() != at::kLong))
        throw Error("'" + name + "' are not states of " + std::to_string(domain.sites) + " sites");
    const at::Tensor real = real_sites(domain, x.device());
    const at::Tensor symbol = (x >= 0) & (x < domain.categories);
    const at::Tensor held = real.defined() ? at::where(real, x < 0, symbol) : symbol;
    if (!(partial ? held | (x == domain.categories) : held).all().item<bool>())
        throw Error("'" + name + "' have a symbol that is none of the " + std::to_string(domain.categories) +
                    " categories");
    return x.to(at::kLong);
}

at::Tensor kept_states(const at::Tensor& x, const Domain& domain) {
    return domain.site_categories.empty() ? x.to(at::kByte) : x;
}

}  // namespace marginalia
