// What the host looks at between steps: figures to record, and whether something has gone wrong.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <marginalia/objective.h>

namespace marginalia {

// Notes of each step stay on the device, so that no step waits for it. The host reads them when it records, and before
// it saves or evaluates: it says then what went wrong and in which step, and nothing wrong is saved.
class StepWatch {
public:
    // `objective` is the plugin's name, for what it doubts.
    StepWatch(const at::Device& device, std::string objective);

    // Of every step, in their order. `gradient_norm` may be undefined, and the loss too in a step of the objective's
    // own.
    void note(std::int64_t step, const at::Tensor& loss, const at::Tensor& gradient_norm, std::vector<Doubt> doubts);

    // Scalars as numbers, by one copy. Throws Error of what went wrong first since the watch began, NotFinite where
    // that is a loss or a gradient.
    std::vector<double> read(const std::vector<at::Tensor>& scalars = {});

private:
    struct Doubted {
        std::int64_t step;
        Doubt doubt;
    };

    void judge(const double* figures) const;

    const std::string objective_;
    at::Tensor sums_;  // (2) float64: of 0 times the losses and the norms, so NaN from the first that is not finite on
    at::Tensor good_;  // (2) int64: the last step whose sum was finite
    bool begun_ = false;
    std::vector<Doubted> doubts_;
};

}  // namespace marginalia
