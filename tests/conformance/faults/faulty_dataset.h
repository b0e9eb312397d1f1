// What the faulty datasets share: random rows of sixteen symbols, four kinds, that keep every promise; see
// faulty_energy.h.
#pragma once

#include <marginalia/dataset.h>

#include <array>
#include <atomic>
#include <random>

using namespace marginalia;

constexpr std::array<Parameter, 0> no_parameters{};

struct Rows : Dataset {
    explicit Rows(const Params&) : Dataset(16, 4) {}

    std::size_t size(Split split) const override { return split == Split::train ? 400 : 100; }
    void row(Split split, std::size_t index, std::span<std::uint8_t> out) const override {
        std::mt19937_64 random(1000 * static_cast<std::uint64_t>(split) + index);
        for (std::uint8_t& symbol : out) symbol = static_cast<std::uint8_t>(random() % 4);
    }
};
