// What a pickle says of tensors, read without running anything that it names.
#pragma once

#include <c10/core/ScalarType.h>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace marginalia {

// A tensor as a pickle describes it. Nothing of it has been checked against the record that holds its numbers.
struct PickledTensor {
    std::string storage;  // name of that record
    at::ScalarType type = at::kFloat;
    std::int64_t length = 0;  // of the storage, in numbers
    std::int64_t offset = 0;
    std::vector<std::int64_t> sizes, strides;
};

// The tensors of a pickled dict, or of a pickled TorchScript module and the modules in it, by name ("body.weight").
// Knows the few instructions that LibTorch writes and the few names that stand for tensors, their storages and plain
// containers. Any other name is refused: what it stands for is never looked up, let alone called. Memory is a fixed
// multiple of the pickle's size, which is bounded. Throws Error.
std::map<std::string, PickledTensor> pickled_tensors(std::string_view pickle);

}  // namespace marginalia
