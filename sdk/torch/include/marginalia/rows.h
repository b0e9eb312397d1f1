// Rows of a dataset as tensors.
#pragma once

#include <ATen/core/Generator.h>
#include <ATen/core/TensorBody.h>

#include <marginalia/dataset.h>

namespace marginalia {

// The rows with these indices (B) int64: (B, D) int64 symbols on `device`.
MARGINALIA_API at::Tensor rows_at(const Dataset& dataset, Split split, const at::Tensor& indices,
                                  const at::Device& device);

// `count` rows drawn evenly and independently from a split: (count, D) int64 on `device`. The host reads the rows that
// it draws: a generator of the CPU spares it a wait (host.h). Throws Error if the split is empty.
MARGINALIA_API at::Tensor random_rows(const Dataset& dataset, Split split, std::int64_t count, at::Generator& generator,
                                      const at::Device& device);

// All rows of a split, read in parallel: (N, D) bytes on the CPU, int64 of a dataset with real sites. With them on a
// device, the second draws the rows that the first random_rows would draw there, and the device gathers them: a step
// copies their numbers.
MARGINALIA_API at::Tensor all_rows(const Dataset& dataset, Split split);
MARGINALIA_API at::Tensor random_rows(const at::Tensor& rows, std::int64_t count, at::Generator& host);

}  // namespace marginalia
