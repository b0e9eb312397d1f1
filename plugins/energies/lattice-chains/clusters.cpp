#include "clusters.h"

#include <algorithm>
#include <memory>
#include <vector>

#include "clusters/cluster_moves.h"

namespace lattice_chains {
namespace {

class ClusterChain final : public Chain {
public:
    // Refers to `couplings`. start: a symbol that all sites begin with, or the number of symbols for a random state.
    ClusterChain(const clusters::Couplings& couplings, std::size_t start, std::uint64_t seed, std::uint64_t stream)
        : random_(seed, stream), clusters_(couplings), x_(couplings.sites(), static_cast<std::uint8_t>(start)) {
        if (start < couplings.categories()) return;
        for (std::uint8_t& symbol : x_) symbol = static_cast<std::uint8_t>(random_.below(couplings.categories()));
    }

    void sweep() override { clusters_.sweep(x_, {}, random_); }
    marginalia::State state() const override { return x_; }

private:
    marginalia::FastRandom random_;
    clusters::Clusters clusters_;
    std::vector<std::uint8_t> x_;
};

double log_f(const marginalia::EnergyForm& form, std::size_t symbols, marginalia::State x) {
    double sum = 0;
    for (const auto& [a, b, table] : form.pairs) sum += form.tables[table][x[a] * symbols + x[b]];
    for (std::size_t site = 0; site < x.size() && !form.fields.empty(); ++site)
        sum += form.fields[site * symbols + x[site]];
    return sum;
}

}  // namespace

ChainSamples cluster_samples(const marginalia::EnergyForm& form, std::size_t sites, std::size_t symbols,
                             std::size_t count, std::uint64_t seed) {
    const auto last = [=](marginalia::State x) {
        return static_cast<double>(std::count(x.begin(), x.end(), symbols - 1)) / static_cast<double>(x.size());
    };
    const auto commonest = [=](marginalia::State x) {
        std::vector<std::size_t> seen(symbols);
        for (const std::uint8_t symbol : x) ++seen[symbol];
        return static_cast<double>(*std::max_element(seen.begin(), seen.end())) / static_cast<double>(x.size());
    };
    const auto energy = [&](marginalia::State x) { return log_f(form, symbols, x); };
    const clusters::Couplings couplings(form, sites, symbols);
    const auto start = [&](int number) {
        const std::size_t first = number % 4 == 0 ? 0 : number % 4 == 1 ? symbols - 1 : symbols;
        return std::make_unique<ClusterChain>(couplings, first, seed, static_cast<std::uint64_t>(number));
    };
    return chain_samples({"Swendsen-Wang",
                          start,
                          {{"share of the last symbol", last}, {"of the commonest", commonest}, {"energy", energy}}},
                         count);
}

}  // namespace lattice_chains
