#include "kernel/host/data/md5.h"

#include <marginalia/error.h>

#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <vector>

namespace marginalia::data {
namespace {

static_assert(std::endian::native == std::endian::little);

// Section 3.4: floor(2^32 |sin(i + 1)|).
std::array<std::uint32_t, 64> sine_table() {
    std::array<std::uint32_t, 64> table;
    for (int i = 0; i < 64; ++i)
        table[i] = static_cast<std::uint32_t>(std::floor(std::ldexp(std::fabs(std::sin(i + 1.0)), 32)));
    return table;
}

class Md5 {
public:
    // Whole blocks of 64 bytes.
    void blocks(const char* bytes, std::size_t size) {
        for (; size >= 64; bytes += 64, size -= 64) block(bytes);
    }

    std::string hex() const {
        std::string digits;
        for (const std::uint32_t word : state_)
            for (int byte = 0; byte < 4; ++byte)
                for (const int shift : {4, 0}) digits += "0123456789abcdef"[word >> (8 * byte + shift) & 15];
        return digits;
    }

    // What is left of a text of `all` bytes, fewer than 64, and the padding.
    void finish(std::string_view rest, std::uint64_t all) {
        std::string last(rest);
        last += '\x80';
        last.resize((rest.size() < 56 ? 64 : 128) - 8, '\0');
        const std::uint64_t bits = all * 8;
        last.append(reinterpret_cast<const char*>(&bits), sizeof bits);
        blocks(last.data(), last.size());
    }

private:
    void block(const char* bytes) {
        static const std::array<std::uint32_t, 64> sines = sine_table();
        constexpr int shifts[4][4] = {{7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}};
        std::uint32_t words[16];
        std::memcpy(words, bytes, sizeof words);
        auto [a, b, c, d] = state_;
        for (int i = 0; i < 64; ++i) {
            const int round = i / 16;
            const std::uint32_t mixed = round == 0   ? (b & c) | (~b & d)
                                        : round == 1 ? (d & b) | (~d & c)
                                        : round == 2 ? b ^ c ^ d
                                                     : c ^ (b | ~d);
            const int word = round == 0 ? i : round == 1 ? 5 * i + 1 : round == 2 ? 3 * i + 5 : 7 * i;
            const std::uint32_t sum = a + mixed + sines[i] + words[word % 16];
            a = d, d = c, c = b, b += std::rotl(sum, shifts[round][i % 4]);
        }
        state_[0] += a, state_[1] += b, state_[2] += c, state_[3] += d;
    }

    std::array<std::uint32_t, 4> state_ = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476};
};

}  // namespace

std::string md5_hex(std::string_view bytes) {
    Md5 digest;
    digest.blocks(bytes.data(), bytes.size());
    digest.finish(bytes.substr(bytes.size() / 64 * 64), bytes.size());
    return digest.hex();
}

std::string md5_of_file(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    Md5 digest;
    std::vector<char> buffer(1 << 16);
    std::uint64_t all = 0;
    while (file.read(buffer.data(), static_cast<std::streamsize>(buffer.size()))) {
        digest.blocks(buffer.data(), buffer.size());
        all += buffer.size();
    }
    if (!file.eof()) throw Error(path.string() + ": cannot be read; check that it is a readable file");
    const auto last = static_cast<std::size_t>(file.gcount());
    digest.blocks(buffer.data(), last);
    digest.finish({buffer.data() + last / 64 * 64, last % 64}, all + last);
    return digest.hex();
}

}  // namespace marginalia::data
