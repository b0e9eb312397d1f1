#include "kernel/worker/evaluate/sinkhorn.h"

#include <ATen/ATen.h>

#include <cmath>

namespace marginalia {
namespace {

constexpr double smoothing = 1e-3;       // of the mean cost
constexpr double shrinking = 0.5;        // of ε from round to round
constexpr int rounds_each = 20;          // of the potentials at an ε that is not the last
constexpr int rounds_last = 1000;        // at most
constexpr double precise_enough = 1e-3;  // the columns' sums, in all

// The potentials u, v (N), P = exp((u_i + v_j - C_ij) / ε) / N², in the log domain: the second ones are those of the
// first.
class Potentials {
public:
    explicit Potentials(const at::Tensor& cost)
        : cost_(cost), u_(at::zeros({cost.size(0)}, cost.options())), v_(at::zeros({cost.size(1)}, cost.options())) {}

    void update(double epsilon) {
        v_ = softmin(cost_.t(), u_, epsilon);
        u_ = softmin(cost_, v_, epsilon);
    }

    at::Tensor plan(double epsilon) const {
        return ((u_.unsqueeze(1) + v_ - cost_) / epsilon).softmax(1) / static_cast<double>(cost_.size(0));
    }

private:
    // -ε log of the mean over j of exp((w_j - C_ij) / ε).
    static at::Tensor softmin(const at::Tensor& cost, const at::Tensor& w, double epsilon) {
        return ((w - cost) / epsilon).logsumexp({1}) * -epsilon + epsilon * std::log(static_cast<double>(w.numel()));
    }

    const at::Tensor cost_;
    at::Tensor u_, v_;
};

double breach(const at::Tensor& plan) {
    return (plan.sum(0) - 1.0 / static_cast<double>(plan.size(1))).abs().sum().item<double>();
}

}  // namespace

// ε begins at the mean cost, as potentials of a smaller one take long from nothing.
double sinkhorn_distance(const at::Tensor& a, const at::Tensor& b, const std::function<void()>& tick) {
    const at::Tensor cost = at::cdist(a, b).square();
    const double mean = cost.mean().item<double>();
    if (mean == 0) return 0;
    Potentials potentials(cost);
    for (double epsilon = mean; epsilon > smoothing * mean; epsilon *= shrinking) {
        for (int round = 0; round < rounds_each; ++round) potentials.update(epsilon);
        tick();
    }
    const double epsilon = smoothing * mean;
    at::Tensor plan;
    for (int round = 0; round < rounds_last; round += rounds_each) {
        for (int i = 0; i < rounds_each; ++i) potentials.update(epsilon);
        plan = potentials.plan(epsilon);
        tick();
        if (breach(plan) < precise_enough) break;
    }
    return (plan * cost).sum().item<double>();
}

}  // namespace marginalia
