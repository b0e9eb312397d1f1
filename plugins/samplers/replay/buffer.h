// The states that a replay buffer keeps, on the host or on the trial's device.
#pragma once

#include <memory>

#include "chains/chains.h"

namespace replay {

// `count` states one after another from the place `first` of a buffer of `size`, which goes round.
struct Window {
    std::int64_t first, count, size;

    std::int64_t place(std::int64_t i) const { return (first + i) % size; }
    Window next(std::int64_t more) const { return {place(count), more, size}; }
};

// Chains on an energy, of which any window may be read, moved and replaced. Tensors are on the setup's device, where
// `generator` is too. One thread.
class Buffer {
public:
    virtual ~Buffer() = default;

    // Chains at states of f = 0 move on, where the host can see that they are at one.
    virtual void make_possible() {}

    // Heat-bath sweeps of a window on the energy itself.
    virtual void sweep(const Window& window, std::int64_t sweeps, at::Generator& generator) = 0;

    virtual at::Tensor states(const Window& window) const = 0;     // (count, D) int64, which stays as it is
    virtual at::Tensor log_f(const at::Tensor& states) const = 0;  // (count) float64, of states of a window or others

    // Puts x[i] in the place of the window's state i wherever accepted[i].
    virtual void replace(const Window& window, const at::Tensor& x, const at::Tensor& accepted) = 0;

    virtual void save(marginalia::StateDict& state) const = 0;
    virtual void load(const marginalia::StateDict& state) = 0;
};

// On the device where the setup's energy is there, otherwise on the host, whose states then travel as bytes.
std::unique_ptr<Buffer> make_buffer(const marginalia::TrainingSetup& setup, std::int64_t size, chains::Start start,
                                    at::Generator& generator);

}  // namespace replay
