#include <marginalia/energy_states.h>
#include <marginalia/host.h>
#include <marginalia/real_sites.h>
#include <marginalia/rows.h>

#include <ATen/ATen.h>

#include <algorithm>

namespace marginalia {
namespace {

at::Tensor drawn_indices(std::int64_t size, std::int64_t count, at::Generator& generator) {
    if (size == 0) throw Error("the dataset's split has no rows to draw from; give it some, or use another split");
    return at::randint(size, {count}, generator, at::TensorOptions().dtype(at::kLong).device(generator.device()));
}

void read_row(const Dataset& dataset, Split split, std::int64_t index, const at::Tensor& bytes, std::int64_t row) {
    const std::int64_t width = dataset.sites();
    dataset.row(split, static_cast<std::size_t>(index),
                {bytes.data_ptr<std::uint8_t>() + row * width, static_cast<std::size_t>(width)});
}

// Rows of a dataset with real sites, int64.
class MixedRows {
public:
    explicit MixedRows(const Dataset& dataset)
        : dataset_(dataset), sites_(dataset.site_list()), unknown_(dataset.categories()) {}

    static bool has(const Dataset& dataset) {
        return std::ranges::any_of(dataset.site_list(), [](const Site& site) { return site.is_real(); });
    }

    void read(Split split, std::int64_t index, std::int64_t* out) const {
        std::vector<std::uint8_t> symbols(sites_.size());
        std::vector<double> reals(sites_.size());
        dataset_.row(split, static_cast<std::size_t>(index), symbols);
        dataset_.reals(split, static_cast<std::size_t>(index), reals);
        for (std::size_t d = 0; d < sites_.size(); ++d)
            out[d] = sites_[d].is_real() && symbols[d] != unknown_ ? real_state(reals[d]) : symbols[d];
    }

private:
    const Dataset& dataset_;
    const std::vector<Site> sites_;
    const std::int64_t unknown_;
};

at::Tensor mixed_rows(const Dataset& dataset, Split split, const at::Tensor& index) {
    const MixedRows rows(dataset);
    const at::Tensor x = at::empty({index.numel(), dataset.sites()}, at::kLong);
    in_parallel(index.numel(), [&](std::int64_t first, std::int64_t end) {
        for (std::int64_t row = first; row < end; ++row)
            rows.read(split, index.const_data_ptr<std::int64_t>()[row],
                      x.mutable_data_ptr<std::int64_t>() + row * x.size(1));
    });
    return x;
}

}  // namespace

at::Tensor rows_at(const Dataset& dataset, Split split, const at::Tensor& indices, const at::Device& device) {
    const at::Tensor index = (indices.is_cpu() ? indices : to_host(indices)).to(at::kLong).contiguous();
    if (MixedRows::has(dataset)) return to_device(mixed_rows(dataset, split, index), device);
    const at::Tensor bytes = at::empty({index.numel(), dataset.sites()}, at::kByte);
    for (std::int64_t row = 0; row < index.numel(); ++row)
        read_row(dataset, split, index.const_data_ptr<std::int64_t>()[row], bytes, row);
    return to_device_states(bytes, device);
}

at::Tensor random_rows(const Dataset& dataset, Split split, std::int64_t count, at::Generator& generator,
                       const at::Device& device) {
    const auto size = static_cast<std::int64_t>(dataset.size(split));
    return rows_at(dataset, split, drawn_indices(size, count, generator), device);
}

at::Tensor all_rows(const Dataset& dataset, Split split) {
    const auto size = static_cast<std::int64_t>(dataset.size(split));
    if (MixedRows::has(dataset)) return mixed_rows(dataset, split, at::arange(size, at::kLong));
    const at::Tensor bytes = at::empty({size, dataset.sites()}, at::kByte);
    in_parallel(size, [&](std::int64_t first, std::int64_t end) {
        for (std::int64_t row = first; row < end; ++row) read_row(dataset, split, row, bytes, row);
    });
    return bytes;
}

at::Tensor random_rows(const at::Tensor& rows, std::int64_t count, at::Generator& host) {
    const at::Tensor index = drawn_indices(rows.size(0), count, host);
    return rows.index_select(0, to_device(index, rows.device())).to(at::kLong);
}

}  // namespace marginalia
