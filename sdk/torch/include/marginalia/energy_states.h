// States as tensors for networks and as bytes for energies. Between the host and a GPU they travel as bytes, an eighth
// of what networks read.
#pragma once

#include <functional>
#include <vector>

#include <ATen/core/TensorBody.h>

#include <marginalia/energy.h>
#include <marginalia/host.h>

namespace marginalia {

// (B, D) integers 0..255 on any device as rows of bytes, and rows of bytes as (B, D) int64 on the CPU.
MARGINALIA_API std::vector<std::uint8_t> to_bytes(const at::Tensor& x);
MARGINALIA_API at::Tensor from_bytes(States rows);

// Rows of bytes as (B, D) uint8 on the CPU; the rows of such a tensor, which must be contiguous and outlive them; and
// the tensor as (B, D) int64 on a device, by a copy of to_device.
MARGINALIA_API at::Tensor byte_rows(States rows);
MARGINALIA_API States states_of(const at::Tensor& bytes);
MARGINALIA_API at::Tensor to_device_states(const at::Tensor& bytes, const at::Device& device);

// Calls body(first, end) for pieces of the rows 0..rows-1 in parallel, on the threads that the trial may use.
MARGINALIA_API void in_parallel(std::int64_t rows,
                                const std::function<void(std::int64_t first, std::int64_t end)>& body);

// The energy's partial_log_density of each row of x (B, D). Made before a network's pass and asked for its values after
// it, it evaluates beside the pass.
class MARGINALIA_API PartialDensities {
public:
    // Returns at once. The energy outlives this.
    PartialDensities(const Energy& energy, const at::Tensor& x);

    // Evaluated in parallel: (B) float64 on the device of x; an undefined tensor where the energy offers none.
    at::Tensor values() const;

private:
    const Energy* energy_;
    at::Device device_;
    HostCopy bytes_;  // (B, D)
};

}  // namespace marginalia
