// Rotations and reflections of a ring of spins held as bits.
#pragma once

#include <cstdint>
#include <vector>

namespace ising {

// Site of a ring of `width` sites that image number `image` (0 .. 2 * width - 1) puts at `place`.
inline int source_place(int place, int width, int image) {
    const int turned = (place + image) % width;
    return image < width ? turned : width - 1 - turned;
}

inline std::uint32_t image_of(std::uint32_t spins, int width, int image) {
    std::uint32_t moved = 0;
    for (int place = 0; place < width; ++place) moved |= ((spins >> source_place(place, width, image)) & 1u) << place;
    return moved;
}

// All 2 * width images, the same state several times where it is symmetric.
inline std::vector<std::uint32_t> images_of(std::uint32_t spins, int width) {
    std::vector<std::uint32_t> images;
    for (int image = 0; image < 2 * width; ++image) images.push_back(image_of(spins, width, image));
    return images;
}

}  // namespace ising
