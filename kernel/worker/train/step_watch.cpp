#include "kernel/worker/train/step_watch.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <marginalia/host.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "kernel/wire/recorder.h"

namespace marginalia {
namespace {

constexpr std::size_t most_doubts = 1000;  // kept, whatever a plugin doubts

enum Kind : std::size_t { of_loss, of_gradient };

}  // namespace

StepWatch::StepWatch(const at::Device& device, std::string objective)
    : objective_(std::move(objective)), sums_(at::zeros({2}, at::TensorOptions(at::kDouble).device(device))),
      good_(at::zeros({2}, at::TensorOptions(at::kLong).device(device))) {}

void StepWatch::note(std::int64_t step, const at::Tensor& loss, const at::Tensor& gradient_norm,
                     std::vector<Doubt> doubts) {
    const at::NoGradGuard no_grad;
    if (!std::exchange(begun_, true)) good_.fill_(step - 1);
    if (loss.defined()) sums_[of_loss].add_(loss.detach(), 0);
    if (gradient_norm.defined()) sums_[of_gradient].add_(gradient_norm, 0);
    good_.masked_fill_(sums_ == 0, step);
    for (Doubt& doubt : doubts) doubts_.push_back({step, std::move(doubt)});
    if (doubts_.size() > most_doubts) read();
}

std::vector<double> StepWatch::read(const std::vector<at::Tensor>& scalars) {
    const at::NoGradGuard no_grad;
    std::vector<at::Tensor> all;
    const auto add = [&](const at::Tensor& value) {
        const at::Tensor one = value.detach().reshape({1}).to(at::kDouble);
        all.push_back(one.device() == sums_.device() ? one : to_device(one, sums_.device()));
    };
    for (const at::Tensor& value : scalars) add(value);
    for (const Doubted& doubted : doubts_) add(doubted.doubt.value);
    all.push_back(good_.to(at::kDouble));
    all.push_back(sums_);
    const at::Tensor on_host = to_host(at::cat(all)).contiguous();
    const double* figures = on_host.const_data_ptr<double>();
    judge(figures + scalars.size());
    doubts_.clear();
    return {figures, figures + scalars.size()};
}

// The figures: of the doubts, the last good step by loss and by gradient, and whether there were others after it.
void StepWatch::judge(const double* figures) const {
    constexpr std::int64_t never = std::numeric_limits<std::int64_t>::max();
    const double *good = figures + doubts_.size(), *sums = good + 2;
    const auto bad = [&](Kind kind) { return sums[kind] == 0 ? never : static_cast<std::int64_t>(good[kind]) + 1; };
    for (std::size_t i = 0; i < doubts_.size(); ++i) {
        if (doubts_[i].step >= std::min(bad(of_loss), bad(of_gradient))) break;
        if (const std::string complaint = doubts_[i].doubt.complaint(figures[i]); !complaint.empty())
            throw Error("objective '" + objective_ + "', step " + std::to_string(doubts_[i].step) + ": " + complaint);
    }
    if (bad(of_loss) != never && bad(of_loss) <= bad(of_gradient))
        throw NotFinite("the loss of step " + std::to_string(bad(of_loss)) +
                        " is not a finite number; lower train.learning_rate, or look at the energy with check-plugin");
    if (bad(of_gradient) != never)
        throw NotFinite("the gradient of step " + std::to_string(bad(of_gradient)) +
                        " is not finite; lower train.learning_rate or look at the energy");
}

}  // namespace marginalia
