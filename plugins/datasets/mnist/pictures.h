// Black-and-white pictures, and the two kinds of files that MNIST's come in.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace marginalia {

// `count` pictures of rows x columns pixels, a bit a pixel: pixel p of a picture is bit p % 8 of its byte p / 8.
struct Pictures {
    std::int64_t rows = 0, columns = 0;
    std::size_t count = 0;
    std::vector<std::uint8_t> bits;  // (count, bytes_each())

    std::size_t pixels() const { return static_cast<std::size_t>(rows * columns); }
    std::size_t bytes_each() const { return (pixels() + 7) / 8; }

    // Writes a picture's pixels as symbols 0 and 1; index < count, out.size() == pixels().
    void picture(std::size_t index, std::span<std::uint8_t> out) const {
        const std::uint8_t* from = bits.data() + index * bytes_each();
        for (std::size_t p = 0; p < out.size(); ++p) out[p] = from[p / 8] >> (p % 8) & 1;
    }
};

// How a grey value g in 0..255 becomes a bit.
enum class Binarisation {
    threshold,  // 1 from g = 128 on
    sampled,    // 1 with probability g / 255, one draw for each pixel of a file
};

// Reads an idx file of pictures: four big-endian 32-bit numbers (0x00000803, pictures, rows, columns), then a byte a
// pixel. The draws of `sampled` follow from `stream` alone. Throws Error naming the file and what is wrong: not such a
// file, one of labels, shorter or longer than its header says.
Pictures read_idx(const std::string& name, Binarisation how, std::uint64_t stream);

// Reads the text form of binarised MNIST: a picture of 28 x 28 a line, as 784 times 0 or 1 separated by blanks. Throws
// Error "FILE:LINE:COLUMN: sentence" at what is neither, and where a line is of another width.
Pictures read_amat(const std::string& path);

}  // namespace marginalia
