// How a GPU computes during a trial: what LibTorch would otherwise choose by its own defaults, which differ between its
// versions.
#pragma once

#include <c10/core/Device.h>

#include <string>

#include "kernel/spec/settings.h"

namespace marginalia {

// While it lives, if it is `on`: products and convolutions of float32 in float32, or in TF32 where that is asked for;
// cuDNN's algorithms by timing them, or where `deterministic` those that give the same bits each time, like all other
// operators; of one that has no such form LibTorch warns in the trial's log. Then puts back what was before. For one
// trial at a time of a process.
class CudaArithmetic {
public:
    CudaArithmetic(bool on, bool tf32, bool deterministic);
    CudaArithmetic(const TrainSettings& train, const at::Device& device);
    ~CudaArithmetic();
    CudaArithmetic(const CudaArithmetic&) = delete;
    CudaArithmetic& operator=(const CudaArithmetic&) = delete;

    // "float32; cuDNN's algorithms by timing", for the trial's record; empty if it is not on.
    std::string text() const;

private:
    struct Settings {
        bool products_tf32, convolutions_tf32, timed, cudnn_deterministic, deterministic, warn_only, filled;
    };
    static Settings now();
    static void set(const Settings& settings);

    const bool on_, tf32_, deterministic_;
    const Settings before_;
};

}  // namespace marginalia
