// Heat-bath (single-site Gibbs) updates of full states on an energy, at any inverse temperature: for Markov chains
// in plugins and in the host. Standard library; all of it here, to be inlined.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <span>

#include <marginalia/energy.h>
#include <marginalia/random.h>

namespace marginalia {

// A symbol k with probability proportional to exp(beta * log_weights[k]), beta >= 0. Weights of log 0 = -infinity are
// never drawn, at beta = 0 neither; where all of them are that, each symbol is as likely as the others, so that a
// chain that begins at an impossible state walks on. Overwrites the weights.
inline std::uint8_t draw_tempered(std::span<double> log_weights, double beta, FastRandom& random) {
    if (log_weights.size() == 2) {
        const double gain = log_weights[1] - log_weights[0];
        if (std::isfinite(gain)) return random.uniform() * (1 + std::exp(-beta * gain)) < 1;
    }
    const double largest = *std::max_element(log_weights.begin(), log_weights.end());
    if (largest == -HUGE_VAL) return static_cast<std::uint8_t>(random.below(log_weights.size()));
    double total = 0;
    for (double& weight : log_weights) total += weight = weight == -HUGE_VAL ? 0 : std::exp(beta * (weight - largest));
    double rest = random.uniform() * total;
    std::size_t drawn = 0;
    for (std::size_t k = 0; k < log_weights.size(); ++k) {
        if (log_weights[k] == 0) continue;
        drawn = k;
        rest -= log_weights[k];
        if (rest < 0) break;
    }
    return static_cast<std::uint8_t>(drawn);
}

// Draws x[site] from f(x)^beta given the other sites.
inline void heat_bath_update(const Energy& energy, std::span<std::uint8_t> x, std::int64_t site, double beta,
                             FastRandom& random) {
    std::array<double, 255> storage;
    const std::span<double> values(storage.data(), static_cast<std::size_t>(energy.categories()));
    energy.site_log_densities(x, site, values);
    x[static_cast<std::size_t>(site)] = draw_tempered(values, beta, random);
}

// One update of every site: the even ones in turn, then the odd ones. Leaves f^beta / Z(beta) invariant, as any order
// does; in this one the processor need not wait for one update's symbol before it begins the next, where neighbours
// differ by 1.
inline void heat_bath_sweep(const Energy& energy, std::span<std::uint8_t> x, double beta, FastRandom& random) {
    for (const std::int64_t first : {0, 1})
        for (std::int64_t site = first; site < energy.sites(); site += 2)
            heat_bath_update(energy, x, site, beta, random);
}

}  // namespace marginalia
