// SHA-256 (FIPS 180-4): names trials by their config and plugin files by their bytes.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace marginalia {

// Takes bytes piece by piece; `hex` ends the digest and may be called once.
class Sha256 {
public:
    void update(std::string_view bytes);
    std::string hex();  // 64 lower-case hex digits

private:
    void block(const unsigned char* bytes);

    std::array<std::uint32_t, 8> state_ = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                           0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    std::array<unsigned char, 64> rest_{};
    std::uint64_t size_ = 0;  // bytes taken so far; the last size_ % 64 of them wait in rest_
};

std::string sha256_hex(std::string_view bytes);

// Throws Error if the file cannot be read.
std::string sha256_of_file(const std::filesystem::path& path);

}  // namespace marginalia
