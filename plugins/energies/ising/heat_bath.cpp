#include "heat_bath.h"

#include <array>
#include <cmath>
#include <memory>

#include "lattice-chains/clusters.h"
#include "random.h"

namespace ising {
namespace {

constexpr std::uint64_t most_chains = 8;  // that share a seed

class HeatBath final : public lattice_chains::Chain {
public:
    // start: 0 all down, 1 all up, otherwise random.
    HeatBath(const Lattice& lattice, int start, std::uint64_t seed)
        : lattice_(lattice), random_(seed), x_(lattice.sites(), static_cast<std::uint8_t>(start)) {
        if (start > 1)
            for (std::uint8_t& symbol : x_) symbol = random_.uniform() < 0.5;
        for (int sum = -4; sum <= 4; ++sum)
            up_[sum + 4] = 1 / (1 + std::exp(-2 * (lattice.coupling * sum + lattice.field)));
    }

    marginalia::State state() const override { return x_; }

    // Heat bath on the black sites of a checkerboard, then on the white ones. In place, so that it is right as well
    // where an odd torus puts two sites of one colour side by side.
    void sweep() override {
        for (int colour = 0; colour < 2; ++colour)
            for (std::int64_t row = 0; row < lattice_.rows; ++row)
                for (std::int64_t column = (row + colour) % 2; column < lattice_.columns; column += 2)
                    refresh(row, column);
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

}  // namespace

lattice_chains::ChainSamples heat_bath_samples(const Lattice& lattice, std::size_t count, std::uint64_t seed) {
    const auto magnetisation = [&](marginalia::State x) { return static_cast<double>(lattice.spin_sum(x)); };
    const auto energy = [&](marginalia::State x) { return lattice.log_density(x); };
    const auto start = [&](int number) {
        return std::make_unique<HeatBath>(lattice, number % 4 < 2 ? number % 4 : 2, seed * most_chains + number);
    };
    return lattice_chains::chain_samples({"heat-bath", start, {{"magnetisation", magnetisation}, {"energy", energy}}},
                                         count);
}

lattice_chains::ChainSamples reference_samples(const Lattice& lattice, std::size_t count, std::uint64_t seed) {
    if (lattice.coupling <= 0) return heat_bath_samples(lattice, count, seed);
    return lattice_chains::cluster_samples(lattice.form(), static_cast<std::size_t>(lattice.sites()), 2, count, seed);
}

}  // namespace ising
