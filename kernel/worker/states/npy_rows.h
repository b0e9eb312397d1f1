// Rows of a .npy or .npz file, a piece at a time.
#pragma once

#include <marginalia/npy.h>

#include <cstdint>
#include <string>
#include <vector>

namespace marginalia {

// States as whole numbers of any type that npy.h reads, shape (N, ...) with D numbers a row: 0 to K - 1, and K or -1
// for unknown. Memory holds one piece. One thread.
class NpyRows {
public:
    // Reads the head. Throws Error where the file is no such array.
    NpyRows(std::string file, std::int64_t sites, std::int64_t categories);

    // Up to `most` further rows, D bytes each with K for unknown; empty at the end. Throws Error naming row and site of
    // a number that is no symbol.
    std::vector<std::uint8_t> next(std::size_t most);

private:
    std::uint8_t symbol(double value, std::size_t element) const;

    const std::string name_;
    NpyFile file_;
    const std::size_t width_;
    const std::int64_t categories_;
    std::size_t taken_ = 0;  // rows
};

}  // namespace marginalia
