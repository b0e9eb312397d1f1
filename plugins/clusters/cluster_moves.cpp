#include "cluster_moves.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include <marginalia/error.h>

namespace clusters {
namespace {

// A (K, K) table without what it adds to its two sites one by one, which goes to their fields.
std::vector<double> centred(const std::vector<double>& table, std::size_t symbols, double* of_first,
                            double* of_second) {
    const auto count = static_cast<double>(symbols);
    std::vector<double> rows(symbols), columns(symbols), rest(table);
    for (std::size_t a = 0; a < symbols; ++a)
        for (std::size_t b = 0; b < symbols; ++b) {
            rows[a] += table[a * symbols + b] / count;
            columns[b] += table[a * symbols + b] / count;
        }
    const double mean = std::accumulate(rows.begin(), rows.end(), 0.0) / count;
    for (std::size_t a = 0; a < symbols; ++a) {
        of_first[a] += rows[a] - mean;
        of_second[a] += columns[a] - mean;
        for (std::size_t b = 0; b < symbols; ++b) rest[a * symbols + b] -= rows[a] + columns[b] - mean;
    }
    return rest;
}

// t(k) of a table of differences. Throws Error where it is none.
std::vector<double> by_difference(const std::vector<double>& table, std::size_t symbols, const std::string& instead) {
    std::vector<double> values(table.begin(), table.begin() + static_cast<std::ptrdiff_t>(symbols));
    const double scale = std::abs(
        *std::max_element(table.begin(), table.end(), [](double a, double b) { return std::abs(a) < std::abs(b); }));
    for (std::size_t a = 0; a < symbols; ++a)
        for (std::size_t b = 0; b < symbols; ++b)
            if (std::abs(table[a * symbols + b] - values[(b + symbols - a) % symbols]) > 1e-9 * scale)
                throw marginalia::Error(
                    "cluster updates need pairs that feel only the difference of their symbols, such as those of two "
                    "symbols and of Potts models, and this energy has others; " +
                    instead);
    return values;
}

}  // namespace

Couplings::Couplings(const marginalia::EnergyForm& form, std::size_t sites, std::size_t categories,
                     const std::string& instead)
    : sites_(sites), categories_(categories), fields_(form.fields) {
    if (!form.bias.empty())
        throw marginalia::Error(
            "cluster updates need an energy of single sites and pairs, and this one has hidden units; " + instead);
    fields_.resize(sites * categories);
    for (const auto& pair : form.pairs) {
        const std::vector<double> values =
            by_difference(centred(form.tables[pair.table], categories, &fields_[pair.first * categories],
                                  &fields_[pair.second * categories]),
                          categories, instead);
        const double least = *std::min_element(values.begin(), values.end());
        bonds_.push_back({pair.first, pair.second, static_cast<std::uint32_t>(joined_.size())});
        for (const double value : values) joined_.push_back(-std::expm1(least - value));
    }
    bool flat = true;
    for (std::size_t i = 0; i < fields_.size(); ++i)
        flat = flat && std::abs(fields_[i] - fields_[i - i % categories]) < 1e-12;
    if (flat) fields_.clear();
}

Couplings couplings_of(const marginalia::Energy& energy, const std::string& instead) {
    const auto form = energy.form();
    if (!form)
        throw marginalia::Error(
            "cluster updates need an energy that says what its couplings are, such as ising, potts or "
            "edwards-anderson, "
            "without train.anneal_from; " +
            instead);
    return {*form, static_cast<std::size_t>(energy.sites()), static_cast<std::size_t>(energy.categories()), instead};
}

Clusters::Clusters(const Couplings& couplings)
    : couplings_(couplings), parents_(couplings.sites()), sizes_(couplings.sites()), held_(couplings.sites()),
      shares_(couplings.sites() * couplings.categories()), moves_(couplings.sites()) {}

void Clusters::sweep(std::span<std::uint8_t> x, std::span<const std::uint8_t> unknown, marginalia::FastRandom& random) {
    join(x, unknown, random);
    weigh(x);
    for (std::uint32_t site = 0; site < x.size(); ++site)
        if (parents_[site] == site) moves_[site] = held_[site] ? 0 : draw_move(site, random);
    const std::size_t symbols = couplings_.categories();
    for (std::uint32_t site = 0; site < x.size(); ++site) {
        const std::size_t symbol = x[site] + std::size_t{moves_[root_of(site)]};
        x[site] = static_cast<std::uint8_t>(symbol < symbols ? symbol : symbol - symbols);
    }
}

void Clusters::join(std::span<const std::uint8_t> x, std::span<const std::uint8_t> unknown,
                    marginalia::FastRandom& random) {
    std::iota(parents_.begin(), parents_.end(), 0u);
    std::fill(sizes_.begin(), sizes_.end(), 1u);
    for (std::size_t site = 0; site < x.size(); ++site) held_[site] = !unknown.empty() && unknown[site] == 0;
    const std::size_t symbols = couplings_.categories();
    for (const auto& [a, b, table] : couplings_.bonds_) {
        if (!unknown.empty() && !unknown[a] && !unknown[b]) continue;
        const std::size_t difference = x[b] >= x[a] ? x[b] - x[a] : x[b] + symbols - x[a];
        const double joined = couplings_.joined_[table + difference];
        if (joined > 0 && random.uniform() < joined) unite(a, b);
    }
}

std::uint8_t Clusters::draw_move(std::uint32_t root, marginalia::FastRandom& random) const {
    const double* const shares = &shares_[root * couplings_.categories()];
    double rest = random.uniform();
    std::size_t move = 0;
    while (move + 1 < couplings_.categories() && rest >= shares[move]) rest -= shares[move++];
    return static_cast<std::uint8_t>(move);
}

std::uint32_t Clusters::root_of(std::uint32_t site) {
    while (parents_[site] != site) site = parents_[site] = parents_[parents_[site]];
    return site;
}

void Clusters::unite(std::uint32_t a, std::uint32_t b) {
    std::uint32_t larger = root_of(a), smaller = root_of(b);
    if (larger == smaller) return;
    if (sizes_[larger] < sizes_[smaller]) std::swap(larger, smaller);
    parents_[smaller] = larger;
    sizes_[larger] += sizes_[smaller];
    held_[larger] |= held_[smaller];
}

// The probability of each move of the clusters that are not held, into their roots' shares.
void Clusters::weigh(std::span<const std::uint8_t> x) {
    const std::size_t symbols = couplings_.categories();
    if (couplings_.fields_.empty()) {
        std::fill(shares_.begin(), shares_.end(), 1.0 / static_cast<double>(symbols));
        return;
    }
    std::fill(shares_.begin(), shares_.end(), 0.0);
    for (std::uint32_t site = 0; site < x.size(); ++site) {
        const std::uint32_t root = root_of(site);
        for (std::size_t move = 0; move < symbols; ++move)
            shares_[root * symbols + move] += couplings_.fields_[site * symbols + (x[site] + move) % symbols];
    }
    for (std::uint32_t site = 0; site < x.size(); ++site) {
        if (parents_[site] != site) continue;
        const std::span<double> shares(&shares_[site * symbols], symbols);
        const double most = *std::max_element(shares.begin(), shares.end());
        double total = 0;
        for (double& share : shares) total += share = std::exp(share - most);
        for (double& share : shares) share /= total;
    }
}

}  // namespace clusters
