#include "target_sweeps.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

namespace {

void normalise(std::span<double> log_p) {
    const double largest = *std::max_element(log_p.begin(), log_p.end());
    double total = 0;
    for (double& value : log_p) total += value = std::exp(value - largest);
    for (double& value : log_p) value /= total;
}

// Never a symbol of probability 0.
std::size_t drawn(std::span<const double> p, double u) {
    std::size_t last = 0;
    for (std::size_t k = 0; k < p.size() && u >= 0; ++k)
        if (p[k] > 0) u -= p[last = k];
    return last;
}

}  // namespace

TargetSweeps::TargetSweeps(const marginalia::Energy& energy, const clusters::Couplings* couplings, std::int64_t sweeps)
    : energy_(energy), sweeps_(sweeps) {
    if (couplings) clusters_.emplace(*couplings);
}

void TargetSweeps::add(std::span<std::uint8_t> x, std::span<const std::uint8_t> unknown, std::span<float> sums,
                       marginalia::FastRandom& random) {
    std::array<double, 255> storage;
    const std::span<double> p(storage.data(), sums.size() / x.size());
    for (std::int64_t sweep = 0; sweep < sweeps_; ++sweep) {
        if (clusters_) clusters_->sweep(x, unknown, random);
        for (std::size_t site = 0; site < x.size(); ++site) {
            if (!unknown[site]) continue;
            energy_.site_log_densities(x, static_cast<std::int64_t>(site), p);
            normalise(p);
            for (std::size_t k = 0; k < p.size(); ++k)
                sums[site * p.size() + k] += static_cast<float>(p[k] / static_cast<double>(sweeps_));
            x[site] = static_cast<std::uint8_t>(drawn(p, random.uniform()));
        }
    }
}
