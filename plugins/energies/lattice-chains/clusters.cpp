#include "clusters.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace lattice_chains {

ClusterChain::ClusterChain(const Ferromagnet& energy, std::size_t start, std::uint64_t seed, std::uint64_t stream)
    : energy_(energy), joined_(-std::expm1(-energy.coupling)), random_(seed, stream),
      x_(energy.sites, static_cast<std::uint8_t>(start)), parents_(energy.sites), sizes_(energy.sites),
      weights_(energy.field.size()) {
    if (start == energy.field.size())
        for (std::uint8_t& symbol : x_) symbol = static_cast<std::uint8_t>(random_.below(energy.field.size()));
}

void ClusterChain::sweep() {
    std::iota(parents_.begin(), parents_.end(), 0u);
    std::fill(sizes_.begin(), sizes_.end(), 1u);
    for (const auto& [a, b] : energy_.edges) {
        if (x_[a] != x_[b] || random_.uniform() >= joined_) continue;
        std::uint32_t larger = root_of(a), smaller = root_of(b);
        if (larger == smaller) continue;
        if (sizes_[larger] < sizes_[smaller]) std::swap(larger, smaller);
        parents_[smaller] = larger;
        sizes_[larger] += sizes_[smaller];
    }
    for (std::uint32_t site = 0; site < x_.size(); ++site)
        if (parents_[site] == site) x_[site] = draw_symbol(sizes_[site]);
    for (std::uint32_t site = 0; site < x_.size(); ++site) x_[site] = x_[root_of(site)];
}

std::uint32_t ClusterChain::root_of(std::uint32_t site) {
    while (parents_[site] != site) site = parents_[site] = parents_[parents_[site]];
    return site;
}

std::uint8_t ClusterChain::draw_symbol(std::uint32_t size) {
    const double most = *std::max_element(energy_.field.begin(), energy_.field.end());
    double sum = 0;
    for (std::size_t symbol = 0; symbol < weights_.size(); ++symbol)
        sum += weights_[symbol] = std::exp(size * (energy_.field[symbol] - most));
    double left = random_.uniform() * sum;
    std::size_t symbol = 0;
    while (symbol + 1 < weights_.size() && left >= weights_[symbol]) left -= weights_[symbol++];
    return static_cast<std::uint8_t>(symbol);
}

ChainSamples cluster_samples(const Ferromagnet& energy, std::size_t count, std::uint64_t seed) {
    const std::size_t symbols = energy.field.size();
    const auto last = [=](marginalia::State x) {
        return static_cast<double>(std::count(x.begin(), x.end(), symbols - 1)) / static_cast<double>(x.size());
    };
    const auto commonest = [=](marginalia::State x) {
        std::vector<std::size_t> seen(symbols);
        for (const std::uint8_t symbol : x) ++seen[symbol];
        return static_cast<double>(*std::max_element(seen.begin(), seen.end())) / static_cast<double>(x.size());
    };
    const auto log_f = [&](marginalia::State x) {
        double sum = 0;
        for (const auto& [a, b] : energy.edges) sum += x[a] == x[b] ? energy.coupling : 0;
        for (const std::uint8_t symbol : x) sum += energy.field[symbol];
        return sum;
    };
    const auto start = [&](int number) {
        const std::size_t first = number % 4 == 0 ? 0 : number % 4 == 1 ? symbols - 1 : symbols;
        return std::make_unique<ClusterChain>(energy, first, seed, static_cast<std::uint64_t>(number));
    };
    return chain_samples({"Swendsen-Wang",
                          start,
                          {{"share of the last symbol", last}, {"of the commonest", commonest}, {"energy", log_f}}},
                         count);
}

}  // namespace lattice_chains
