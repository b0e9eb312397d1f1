#include "kernel/worker/checkpoint/tensor_archive.h"

#include <ATen/ATen.h>
#include <marginalia/error.h>

#include <algorithm>
#include <cstring>

#include "kernel/worker/checkpoint/pickled_tensors.h"

namespace marginalia {
namespace {

[[noreturn]] void misfit(const std::string& name, const std::string& what) {
    throw Error("the checkpoint is not read: tensor '" + name + "' " + what);
}

// Whether every number that the sizes and strides reach lies in the storage; in 128 bits, where nothing overflows.
void check_place(const std::string& name, const PickledTensor& tensor) {
    constexpr std::size_t most_dimensions = 64;
    if (tensor.sizes.size() != tensor.strides.size() || tensor.sizes.size() > most_dimensions)
        misfit(name, "has a shape that is none");
    __int128 last = tensor.offset, count = 1;
    for (std::size_t d = 0; d < tensor.sizes.size(); ++d) {
        if (tensor.sizes[d] < 0 || tensor.strides[d] < 0) misfit(name, "has a shape that is none");
        count = std::min<__int128>(count * tensor.sizes[d], std::int64_t{1} << 62);
        last += static_cast<__int128>(std::max<std::int64_t>(tensor.sizes[d] - 1, 0)) * tensor.strides[d];
    }
    if (tensor.offset < 0 || (count > 0 && last >= tensor.length) || count > std::max<std::int64_t>(tensor.length, 1))
        misfit(name, "is larger than what the archive holds of it");
}

// All of a record as one row of numbers.
at::Tensor storage_of(const std::string& name, const PickledTensor& tensor, std::string_view record) {
    const auto width = static_cast<std::int64_t>(c10::elementSize(tensor.type));
    if (tensor.length < 0 || record.size() % static_cast<std::size_t>(width) != 0 ||
        tensor.length != static_cast<std::int64_t>(record.size()) / width)
        misfit(name, "should have " + std::to_string(tensor.length) + " numbers of " + std::to_string(width) +
                         " bytes, and its record has " + std::to_string(record.size()) + " bytes");
    if (tensor.type == at::kBool && std::ranges::any_of(record, [](char c) { return c != 0 && c != 1; }))
        misfit(name, "has truth values that are neither 0 nor 1");
    at::Tensor row = at::empty({tensor.length}, tensor.type);
    if (!record.empty()) std::memcpy(row.mutable_data_ptr(), record.data(), record.size());
    return row;
}

}  // namespace

TensorArchive::TensorArchive(std::string_view bytes) : records_(bytes) {
    if (records_.at("byteorder") != "little")
        throw Error("the checkpoint is not read: its numbers are of another byte order");
}

StateDict TensorArchive::tensors() const {
    StateDict named;
    std::map<std::pair<std::string, at::ScalarType>, at::Tensor> storages;
    for (const auto& [name, tensor] : pickled_tensors(records_.at("data.pkl"))) {
        const auto [place, fresh] = storages.try_emplace({tensor.storage, tensor.type});
        if (fresh) place->second = storage_of(name, tensor, records_.at("data/" + tensor.storage));
        if (tensor.length != place->second.numel())
            misfit(name, "says another length of its record than a tensor before it");
        check_place(name, tensor);
        named[name] = place->second.as_strided(tensor.sizes, tensor.strides, tensor.offset);
    }
    return named;
}

}  // namespace marginalia
