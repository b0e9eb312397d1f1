// A model over many rows, in pieces that memory holds.
#pragma once

#include <functional>

#include <marginalia/model.h>

namespace marginalia {

// Called now and then with the rows done so far; returns false to give up.
using KeepGoing = std::function<bool(std::int64_t done, std::int64_t total)>;

// Thrown when a KeepGoing says no. Not an Error: nothing is wrong.
struct Interrupted {};

// A tick that asks keep_going and throws Interrupted if it says no.
Tick tick_of(const KeepGoing& keep_going, std::int64_t done = 0, std::int64_t total = 0);

// Called with each batch, the last one too; returns true where no more are wanted.
template <class Batch>
using Enough = std::function<bool(const Batch&)>;

// `count` states of the model on the CPU, `batch` at a time, or fewer where they are enough.
Generated draw_states(const Model& model, std::int64_t count, std::int64_t batch, at::Generator& generator,
                      const KeepGoing& keep_going, const Enough<Generated>& enough);

// The model's log-density of each row of x (M, D), on the CPU, or of the first ones where they are enough.
at::Tensor log_densities(const Model& model, const at::Tensor& x, std::int64_t batch, at::Generator& generator,
                         const KeepGoing& keep_going, const Enough<at::Tensor>& enough = {});

// log p_θ of full or partial rows, on the CPU.
at::Tensor log_marginals(const Model& model, const at::Tensor& x, std::int64_t batch, const at::Device& device,
                         const KeepGoing& keep_going = {});

}  // namespace marginalia
