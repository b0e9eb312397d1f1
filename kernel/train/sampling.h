// Drawing states from p_φ and adding up their log-densities, one site at a time along random orders.
#pragma once

#include <functional>

#include <ATen/core/Generator.h>
#include <ATen/core/TensorBody.h>
#include <marginalia/network.h>

namespace marginalia {

// Called now and then with the work done so far; returns false to give up.
using KeepGoing = std::function<bool(std::int64_t done, std::int64_t total)>;

// Thrown when a KeepGoing says no. Not an Error: nothing is wrong.
struct Interrupted {};

struct DrawnStates {
    at::Tensor x;      // (M, D) int64 on the CPU
    at::Tensor log_p;  // (M) float64 on the CPU: sum of log p_φ along the order that drew the row, a normalised density
};

// M states, each in its own random order: D passes over each piece of `batch` rows.
DrawnStates draw_states(const Network& network, std::int64_t count, std::int64_t batch, at::Generator& generator,
                        const at::Device& device, const KeepGoing& keep_going);

// log p_φ(x_S) of each full or partial row of x (M, D) along one random order of its known sites: (M) float64 on the CPU.
// As many passes a piece as the row that knows most has known sites.
at::Tensor conditional_log_density(const Network& network, const at::Tensor& x, std::int64_t batch, at::Generator& generator,
                                   const at::Device& device, const KeepGoing& keep_going);

// log p_θ of full or partial rows, in pieces of `batch`: (M) float64 on the CPU.
at::Tensor marginal_log_density(const Network& network, const at::Tensor& x, std::int64_t batch, const at::Device& device);

}  // namespace marginalia
