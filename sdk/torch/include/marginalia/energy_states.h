// States as tensors for networks and as bytes for energies.
#pragma once

#include <functional>
#include <vector>

#include <ATen/core/TensorBody.h>

#include <marginalia/energy.h>

namespace marginalia {

// (B, D) integers 0..255 on any device as rows of bytes, and rows of bytes as (B, D) int64 on the CPU.
MARGINALIA_API std::vector<std::uint8_t> to_bytes(const at::Tensor& x);
MARGINALIA_API at::Tensor from_bytes(States rows);

// Calls body(first, end) for pieces of the rows 0..rows-1 in parallel, on the threads that the trial may use.
MARGINALIA_API void in_parallel(std::int64_t rows,
                                const std::function<void(std::int64_t first, std::int64_t end)>& body);

// The energy's partial_log_density of each row of x (B, D), evaluated in parallel: (B) float64 on the device of x; an
// undefined tensor where the energy offers none.
MARGINALIA_API at::Tensor partial_log_densities(const Energy& energy, const at::Tensor& x);

}  // namespace marginalia
