#include <algorithm>
#include <cstring>
#include <string_view>

#include "../data_files.h"
#include "pictures.h"

namespace marginalia {
namespace {

constexpr std::size_t side = 28, pixels = side * side;

[[noreturn]] void fail(const std::string& path, std::size_t line, std::size_t column, const std::string& sentence) {
    throw Error(path + ":" + std::to_string(line) + ":" + std::to_string(column) + ": " + sentence);
}

// One blank between pixels, as in the published files. A loop without exits, which the compiler makes wide.
bool add_plain_line(std::string_view line, std::uint8_t* to) {
    if (line.size() != 2 * pixels - 1) return false;
    unsigned wrong = 0;
    for (std::size_t p = 0; p < pixels; ++p) wrong |= static_cast<unsigned char>(line[2 * p] ^ '0') & 0xFEu;
    for (std::size_t p = 0; p + 1 < pixels; ++p) wrong |= static_cast<unsigned char>(line[2 * p + 1] ^ ' ');
    if (wrong != 0) return false;
    for (std::size_t byte = 0; byte < pixels / 8; ++byte) {
        unsigned bits = 0;
        for (std::size_t k = 0; k < 8; ++k) bits |= (line[16 * byte + 2 * k] & 1u) << k;
        to[byte] = static_cast<std::uint8_t>(bits);
    }
    return true;
}

void add_any_line(std::string_view line, std::size_t number, std::uint8_t* to, const std::string& path) {
    std::size_t found = 0;
    for (std::size_t at = 0; at < line.size(); ++at) {
        if (line[at] == ' ' || line[at] == '\t') continue;
        const std::size_t end = std::min(line.find_first_of(" \t", at), line.size());
        const std::string_view token = line.substr(at, end - at);
        if (token != "0" && token != "1")
            fail(path, number, at + 1,
                 "'" + visible(token) + "' is not a pixel; a line has 784 times 0 or 1, separated by blanks");
        if (found < pixels) to[found / 8] |= static_cast<std::uint8_t>((token == "1") << (found % 8));
        ++found;
        at = end;
    }
    if (found != pixels)
        fail(path, number, 1, "this row has " + std::to_string(found) + " pixels; each has 784, for 28 x 28");
}

}  // namespace

Pictures read_amat(const std::string& name) {
    const auto [path, bytes] = file_text(name, "folder", "mnist-static");
    const std::string_view text = bytes;
    Pictures pictures{side, side, 0, {}};
    const std::size_t width = pictures.bytes_each();
    pictures.bits.reserve((text.size() / (2 * pixels) + 1) * width);
    for (std::size_t begin = 0; begin < text.size();) {
        const std::size_t end = std::min(text.find('\n', begin), text.size());
        const std::string_view line = text.substr(begin, end - begin);
        begin = end + 1;
        pictures.bits.resize(++pictures.count * width);
        std::uint8_t* to = pictures.bits.data() + (pictures.count - 1) * width;
        if (!add_plain_line(line, to)) add_any_line(line, pictures.count, to, path);
    }
    return pictures;
}

}  // namespace marginalia
