#include <cstdio>

#include "../data_files.h"
#include "pictures.h"

namespace marginalia {
namespace {

constexpr std::size_t header_bytes = 16;
constexpr std::uint32_t pictures_magic = 0x00000803, labels_magic = 0x00000801;
constexpr std::uint32_t most_extent = 4096;  // of a picture; keeps the size far from overflow

std::uint32_t big_endian(const std::uint8_t* p) {
    return std::uint32_t{p[0]} << 24 | std::uint32_t{p[1]} << 16 | std::uint32_t{p[2]} << 8 | p[3];
}

std::string again(const std::string& path) {
    return "; remove " + path.substr(path.rfind('/') + 1) + " and fetch it with: marginalia data get mnist";
}

void check_magic(std::uint32_t magic, const std::string& path) {
    if (magic == pictures_magic) return;
    if (magic == labels_magic) throw Error(path + ": byte 0: this idx file holds labels, not pictures" + again(path));
    char text[16];
    std::snprintf(text, sizeof text, "0x%08x", magic);
    throw Error(path + ": byte 0: the file begins with " + text + " where an idx file of pictures has 0x00000803" +
                again(path));
}

// SplitMix64: the same draws on every machine.
class Draws {
public:
    explicit Draws(std::uint64_t stream) : state_(0x6D6E697374ull + (stream << 32)) {}
    std::uint32_t next() {
        std::uint64_t z = state_ += 0x9E3779B97F4A7C15u;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
        return static_cast<std::uint32_t>((z ^ (z >> 31)) >> 32);
    }

private:
    std::uint64_t state_;
};

void fill_bits(Pictures& pictures, const std::uint8_t* grey, Binarisation how, std::uint64_t stream) {
    Draws draws(stream);
    const std::size_t pixels = pictures.pixels();
    for (std::size_t i = 0; i < pictures.count; ++i, grey += pixels) {
        std::uint8_t* to = pictures.bits.data() + i * pictures.bytes_each();
        for (std::size_t p = 0; p < pixels; ++p) {
            // A number drawn evenly from 0..254 lies below g with probability g / 255.
            const std::uint32_t limit = how == Binarisation::threshold ? 127 : std::uint64_t{draws.next()} * 255 >> 32;
            to[p / 8] |= static_cast<std::uint8_t>((grey[p] > limit) << (p % 8));
        }
    }
}

}  // namespace

Pictures read_idx(const std::string& name, Binarisation how, std::uint64_t stream) {
    const auto [path, bytes] = file_bytes(name, "folder", "mnist");
    const auto* const header = reinterpret_cast<const std::uint8_t*>(bytes.data());
    if (bytes.size() >= 4) check_magic(big_endian(header), path);
    if (bytes.size() < header_bytes)
        throw Error(path + ": the file ends at byte " + std::to_string(bytes.size()) + " where its header needs 16" +
                    again(path));
    const std::uint32_t count = big_endian(header + 4), rows = big_endian(header + 8),
                        columns = big_endian(header + 12);
    if (count < 1 || rows < 1 || columns < 1 || rows > most_extent || columns > most_extent)
        throw Error(path + ": byte 4: the header says " + std::to_string(count) + " pictures of " +
                    std::to_string(rows) + " x " + std::to_string(columns) +
                    "; there must be one or more, of 1 x 1 to 4096 x 4096" + again(path));
    Pictures pictures{rows, columns, count, {}};
    const std::size_t needed = header_bytes + count * pictures.pixels();
    if (bytes.size() != needed)
        throw Error(path + ": the file ends at byte " + std::to_string(bytes.size()) + " where " +
                    std::to_string(count) + " pictures of " + std::to_string(rows) + " x " + std::to_string(columns) +
                    " end at " + std::to_string(needed) + again(path));
    pictures.bits.assign(count * pictures.bytes_each(), 0);
    fill_bits(pictures, header + header_bytes, how, stream);
    return pictures;
}

}  // namespace marginalia
