// What the broken plugins share: an energy of nine spins that lacks its log_density.
#pragma once

#include <array>

#include <marginalia/energy.h>

constexpr std::array<marginalia::Parameter, 0> no_parameters{};

[[maybe_unused]] static void make_nothing() {}

struct BrokenEnergy : marginalia::Energy {
    explicit BrokenEnergy(const marginalia::Params&) : Energy(9, 2) {}
    marginalia::Layout layout() const override { return {{3, 3}, true}; }
};
