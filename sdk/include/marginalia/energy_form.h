// An energy as plain data, for whoever evaluates many of its states at once, such as a GPU
// (marginalia/device_energy.h).
#pragma once

#include <cstdint>
#include <vector>

namespace marginalia {

// For D sites of K categories
//
//   log f(x) = constant + sum_d fields[d, x_d]                                 of single sites
//                       + sum over pairs (i, j) of their table[x_i, x_j]       of two sites
//                       + sum_j log(1 + exp(bias_j + sum_d weights[d, j] x_d)) of H hidden units, summed out
//
// All numbers are finite and in nats. What is left empty adds nothing.
struct EnergyForm {
    struct Pair {
        std::uint32_t first, second;  // two different sites
        std::uint32_t table;          // its number in `tables`; pairs may share one
    };

    double constant = 0;
    std::vector<double> fields;               // (D, K)
    std::vector<std::vector<double>> tables;  // each (K, K): the first site's symbol is the slower one
    std::vector<Pair> pairs;
    std::vector<double> bias;     // (H)
    std::vector<double> weights;  // (D, H)

    // Without hidden units: that Energy::partial_log_density is the sum of the terms whose sites are all known, and for
    // each unknown site log sum_k exp(its own terms whose other site is known).
    bool partial = false;
};

}  // namespace marginalia
