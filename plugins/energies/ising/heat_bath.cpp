#include "heat_bath.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <numeric>

#include "random.h"

namespace ising {
namespace {

constexpr int chain_count = 8;
constexpr int pilot_sweeps = 1000;

using Series = std::vector<double>;  // one observable of one chain, a value each sweep

double mean_of(const Series& series) {
    return std::accumulate(series.begin(), series.end(), 0.0) / static_cast<double>(series.size());
}

double covariance(const Series& series, double mean, std::size_t lag) {
    double sum = 0;
    for (std::size_t i = 0; i + lag < series.size(); ++i) sum += (series[i] - mean) * (series[i + lag] - mean);
    return sum / static_cast<double>(series.size());
}

// Gelman and Rubin's potential scale reduction: between-chain against within-chain variance.
double scale_reduction(const std::vector<Series>& chains) {
    Series means;
    double within = 0;
    for (const Series& chain : chains) {
        means.push_back(mean_of(chain));
        within += covariance(chain, means.back(), 0) / static_cast<double>(chains.size());
    }
    const double spread = covariance(means, mean_of(means), 0) * chain_count / (chain_count - 1);
    if (within == 0) return spread == 0 ? 1 : HUGE_VAL;
    return std::sqrt(1 + spread / within);
}

// Integrated autocorrelation time in sweeps (1 for independent values), averaged over the chains; the sum stops at
// Sokal's window of six times itself.
double autocorrelation_time(const std::vector<Series>& chains) {
    double variance = 0;
    for (const Series& chain : chains) variance += covariance(chain, mean_of(chain), 0);
    if (variance == 0) return 1;
    double time = 1;
    for (std::size_t lag = 1; static_cast<double>(lag) < 6 * time && lag < chains[0].size() / 2; ++lag) {
        double shared = 0;
        for (const Series& chain : chains) shared += covariance(chain, mean_of(chain), lag);
        time += 2 * shared / variance;
    }
    return std::max(1.0, time);
}

class Chain {
public:
    // start: 0 all down, 1 all up, otherwise random.
    Chain(const Lattice& lattice, int start, std::uint64_t seed)
        : lattice_(lattice), random_(seed), x_(lattice.sites(), static_cast<std::uint8_t>(start)) {
        if (start > 1)
            for (std::uint8_t& symbol : x_) symbol = random_.uniform() < 0.5;
        for (int sum = -4; sum <= 4; ++sum)
            up_[sum + 4] = 1 / (1 + std::exp(-2 * (lattice.coupling * sum + lattice.field)));
    }

    const std::vector<std::uint8_t>& state() const { return x_; }

    // Heat bath on the black sites of a checkerboard, then on the white ones. In place, so that it is right as well
    // where an odd torus puts two sites of one colour side by side.
    void sweep() {
        for (int colour = 0; colour < 2; ++colour)
            for (std::int64_t row = 0; row < lattice_.rows; ++row)
                for (std::int64_t column = (row + colour) % 2; column < lattice_.columns; column += 2)
                    refresh(row, column);
    }

    void sweep(std::int64_t times) {
        while (times-- > 0) sweep();
    }

private:
    void refresh(std::int64_t row, std::int64_t column) {
        const int sum = lattice_.around(row, column, [&](std::int64_t other) { return 2 * x_[other] - 1; });
        x_[row * lattice_.columns + column] = random_.uniform() < up_[sum + 4];
    }

    const Lattice& lattice_;
    Random random_;
    std::vector<std::uint8_t> x_;
    std::array<double, 9> up_;  // probability of spin +1 by the sum of the neighbours
};

struct Mixing {
    double magnetisation;
    double energy;
    double larger() const { return std::max(magnetisation, energy); }
};

std::string describe(Mixing r_hat, Mixing time, std::int64_t burn_in, std::int64_t apart) {
    char line[400];
    std::snprintf(
        line, sizeof line,
        "%d heat-bath chains from all-up, all-down and random states, burn-in %lld sweeps, then a state "
        "every %lld sweeps; R-hat %.3f (magnetisation), %.3f (energy); autocorrelation time %.1f and %.1f sweeps%s",
        chain_count, static_cast<long long>(burn_in), static_cast<long long>(apart), r_hat.magnetisation, r_hat.energy,
        time.magnetisation, time.energy, r_hat.larger() < 1.05 ? "" : "; NOT MIXED: do not rely on these samples");
    return line;
}

}  // namespace

ChainSamples heat_bath_samples(const Lattice& lattice, std::size_t count, std::uint64_t seed) {
    std::vector<Chain> chains;
    std::vector<Series> magnetisation(chain_count), energy(chain_count);
    for (int number = 0; number < chain_count; ++number) {
        Chain& chain = chains.emplace_back(lattice, number % 4 < 2 ? number % 4 : 2, seed * chain_count + number);
        chain.sweep(pilot_sweeps);
        for (int sweep = 0; sweep < pilot_sweeps; ++sweep) {
            chain.sweep();
            magnetisation[number].push_back(static_cast<double>(lattice.spin_sum(chain.state())));
            energy[number].push_back(lattice.log_density(chain.state()));
        }
    }
    const Mixing r_hat{scale_reduction(magnetisation), scale_reduction(energy)};
    const Mixing time{autocorrelation_time(magnetisation), autocorrelation_time(energy)};
    const auto apart = static_cast<std::int64_t>(std::max(10.0, std::ceil(5 * time.larger())));
    const auto more = static_cast<std::int64_t>(std::ceil(20 * time.larger()));

    ChainSamples samples{{}, r_hat.larger(), time.larger(), describe(r_hat, time, 2 * pilot_sweeps + more, apart)};
    samples.rows.reserve(count * lattice.sites());
    for (Chain& chain : chains) chain.sweep(more);
    for (std::size_t sample = 0; sample < count; ++sample) {
        Chain& chain = chains[sample % chain_count];
        chain.sweep(apart);
        samples.rows.insert(samples.rows.end(), chain.state().begin(), chain.state().end());
    }
    return samples;
}

}  // namespace ising
