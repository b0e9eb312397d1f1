#include <marginalia/host.h>
#include <marginalia/rows.h>

#include <ATen/ATen.h>

namespace marginalia {

at::Tensor rows_at(const Dataset& dataset, Split split, const at::Tensor& indices, const at::Device& device) {
    const at::Tensor index = (indices.is_cpu() ? indices : to_host(indices)).to(at::kLong).contiguous();
    const auto width = static_cast<std::size_t>(dataset.sites());
    at::Tensor bytes = at::empty({index.numel(), dataset.sites()}, at::kByte);
    for (std::int64_t row = 0; row < index.numel(); ++row)
        dataset.row(split, static_cast<std::size_t>(index.const_data_ptr<std::int64_t>()[row]),
                    {bytes.data_ptr<std::uint8_t>() + static_cast<std::size_t>(row) * width, width});
    return to_device(bytes, device).to(at::kLong);
}

at::Tensor random_rows(const Dataset& dataset, Split split, std::int64_t count, at::Generator& generator,
                       const at::Device& device) {
    const auto size = static_cast<std::int64_t>(dataset.size(split));
    if (size == 0) throw Error("the dataset's split has no rows to draw from; give it some, or use another split");
    const auto options = at::TensorOptions().dtype(at::kLong).device(generator.device());
    return rows_at(dataset, split, at::randint(size, {count}, generator, options), device);
}

}  // namespace marginalia
