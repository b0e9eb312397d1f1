// The two kinds of files that CIFAR-10's batches come in.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace marginalia {

inline constexpr std::size_t cifar_side = 32, cifar_pixels = cifar_side * cifar_side, cifar_bytes = 3 * cifar_pixels;

// Pictures of a batch, 3,072 bytes each: red, green and blue of each pixel, row by row from the top.
using CifarPictures = std::vector<std::uint8_t>;

// FOLDER/NAME.bin or, where that is not there, FOLDER/NAME.png. Throws Error naming the file and what is wrong.
CifarPictures read_cifar_batch(const std::string& folder, const std::string& name);

// Records of 3,073 bytes, as in the original archive: the class, then 1,024 bytes each of red, green and blue.
CifarPictures read_cifar_records(const std::string& path);

// A PNG file of 1,024 pixels across, of which each line is a picture: 8 bits a channel, red, green and blue, not
// interlaced.
CifarPictures read_cifar_lines(const std::string& path);

}  // namespace marginalia
