// Cluster updates of full states, some of whose sites may be held, which mix at a critical point as well.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <marginalia/energy.h>
#include <marginalia/random.h>

namespace clusters {

// The couplings of an energy whose pairs feel only the difference of their symbols,
//
//   log f(x) = sum_d fields[d, x_d] + sum over pairs (i, j) of t_ij((x_j - x_i) mod K) + a constant,
//
// such as all with two symbols, Potts and clock models. Fields may be of each site's own. Refers to nothing; may be
// read by several threads.
class Couplings {
public:
    // Throws Error where the form has hidden units or a pair of another kind, ending with what to do instead.
    Couplings(const marginalia::EnergyForm& form, std::size_t sites, std::size_t categories,
              const std::string& instead = "take another energy");

    std::size_t sites() const { return sites_; }
    std::size_t categories() const { return categories_; }

private:
    friend class Clusters;
    struct Bond {
        std::uint32_t first, second, table;
    };

    const std::size_t sites_, categories_;
    std::vector<Bond> bonds_;
    std::vector<double> joined_;  // (tables, K): probability that a pair of this difference is joined
    std::vector<double> fields_;  // (D, K); empty where all are 0
};

// Throws Error where the energy does not say what its couplings are, and where they are of another kind; the sentence
// ends with what to do instead.
Couplings couplings_of(const marginalia::Energy& energy, const std::string& instead);

// R. H. Swendsen, J.-S. Wang, Nonuniversal critical dynamics in Monte Carlo simulations, Phys. Rev. Lett. 58, 86
// (1987); R. G. Edwards, A. D. Sokal, Phys. Rev. D 38, 2009 (1988). A pair of difference k is joined with probability 1
// - exp(min t - t(k)); all symbols of a cluster of joined sites then move by the same number mod K, drawn by the fields
// of its sites. A cluster that holds a known site stays. This leaves p*(x_unknown | x_known) as it is, and costs the
// number of pairs. Not for several threads.
class Clusters {
public:
    explicit Clusters(const Couplings& couplings);  // refers to it

    // A sweep of a full state x. Sites whose `unknown` is 0 are held; an empty `unknown`: none is.
    void sweep(std::span<std::uint8_t> x, std::span<const std::uint8_t> unknown, marginalia::FastRandom& random);

private:
    void join(std::span<const std::uint8_t> x, std::span<const std::uint8_t> unknown, marginalia::FastRandom& random);
    std::uint32_t root_of(std::uint32_t site);
    void unite(std::uint32_t a, std::uint32_t b);
    void weigh(std::span<const std::uint8_t> x);
    std::uint8_t draw_move(std::uint32_t root, marginalia::FastRandom& random) const;

    const Couplings& couplings_;
    std::vector<std::uint32_t> parents_, sizes_;  // of the union-find forest
    std::vector<std::uint8_t> held_;              // of roots
    std::vector<double> shares_;                  // (D, K): of roots that are not held, the probability of each move
    std::vector<std::uint8_t> moves_;             // of roots; 0 where held
};

}  // namespace clusters
