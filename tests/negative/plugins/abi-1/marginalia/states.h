// States of discrete variables as bytes, and how their sites are laid out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace marginalia {

// One state: x[d] in 0..K-1 for each of the D sites. In a *partial* state the value K stands for the extra symbol □:
// unknown, marginalised out.
using State = std::span<const std::uint8_t>;

// Many states, row after row without gaps: (rows, width) bytes. A view; owns nothing.
struct States {
    std::span<const std::uint8_t> bytes;
    std::size_t width = 0;

    std::size_t size() const { return width == 0 ? 0 : bytes.size() / width; }
    State operator[](std::size_t row) const { return bytes.subspan(row * width, width); }
    States slice(std::size_t first, std::size_t count) const {
        return {bytes.subspan(first * width, count * width), width};
    }
};

// How sites lie in space, for networks that use it and for pictures. `shape` multiplies to D, slowest axis first:
// {rows, columns} for a square lattice (site = row * columns + column), {length} for a sequence.
struct Layout {
    std::vector<std::int64_t> shape;
    bool periodic = false;  // opposite edges are neighbours (a torus, a ring)
};

}  // namespace marginalia
