// What the faulty energies share: independent spins that keep every promise.
//   log f(x) = 0.5 * number of spins up
// Each file breaks one promise. Its lines "// expect: CHECK | PART OF THE SENTENCE" are what check-plugin has to find.
#pragma once

#include <marginalia/energy.h>

#include <array>
#include <atomic>
#include <cmath>

using namespace marginalia;

constexpr std::array<Parameter, 0> no_parameters{};

struct Spins : Energy {
    explicit Spins(const Params&) : Energy(6, 2) {}

    double log_density(State x) const override {
        double up = 0;
        for (const std::uint8_t spin : x) up += spin;
        return 0.5 * up;
    }
};
