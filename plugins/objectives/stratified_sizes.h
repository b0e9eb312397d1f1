// How many sites are known in each row of a batch.
#pragma once

#include <ATen/ATen.h>

// Sizes 0..D-1, uniform and spread evenly over the rows of x (B, D), rising with the row from a random start: (B, 1)
// int64.
inline at::Tensor stratified_sizes(const at::Tensor& x, at::Generator& generator) {
    const at::TensorOptions floats = at::TensorOptions().device(x.device());
    const at::Tensor offset = at::rand({1}, generator, floats);
    const at::Tensor place = at::arange(x.size(0), floats) / static_cast<double>(x.size(0)) + offset;
    return (place.frac() * static_cast<double>(x.size(1))).to(at::kLong).clamp_max(x.size(1) - 1).unsqueeze(1);
}
