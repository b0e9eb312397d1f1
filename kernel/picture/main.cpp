// The program `marginalia-picture`: a drawing from standard input, as a PNG file or as what a terminal shows. The other
// two programs start it where a picture is wanted, so that they load none of its libraries and a document from a
// stranger has a process of its own, with little memory and time.
//
//   marginalia-picture detect                                  sixel, kitty, iterm or none: what the environment's
//                                                              terminal takes
//   marginalia-picture png WIDTH HEIGHT                        at most so many pixels
//   marginalia-picture CODES COLUMNS ROWS WIDTH HEIGHT         at most so many cells, each of so many pixels
#include <marginalia/error.h>
#include <sys/resource.h>

#include <algorithm>
#include <charconv>
#include <iostream>
#include <new>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kernel/base/standard_output.h"
#include "kernel/picture/raster.h"
#include "kernel/picture/terminal_codes.h"

namespace marginalia {
namespace {

constexpr std::size_t most_bytes = 16 << 20;  // of a document
constexpr int most_pixels = 8192;             // of a side
constexpr rlim_t most_memory = rlim_t{2} << 30, most_seconds = 10;

int number(std::string_view text) {
    int value = 0;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (failure != std::errc() || end != text.data() + text.size() || value < 1 || value > most_pixels)
        throw Error("'" + std::string(text) + "' is not a size; give a whole number from 1 to " +
                    std::to_string(most_pixels));
    return value;
}

std::string read_document() {
    std::string bytes;
    char piece[1 << 16];
    while (std::cin.read(piece, sizeof piece), std::cin.gcount() > 0) {
        bytes.append(piece, static_cast<std::size_t>(std::cin.gcount()));
        if (bytes.size() > most_bytes)
            throw Error("the drawing is larger than " + std::to_string(most_bytes >> 20) + " MiB");
    }
    return bytes;
}

std::string answer(std::span<const std::string_view> words) {
    if (words.size() == 1 && words[0] == "detect") return detected_codes() + "\n";
    if (words.size() == 3 && words[0] == "png")
        return png_of(rasterised(read_document(), {number(words[1]), number(words[2])}).get());
    if (words.size() != 5) throw Error("give detect, png WIDTH HEIGHT, or CODES COLUMNS ROWS WIDTH HEIGHT");
    const CellSize cell{number(words[3]), number(words[4])};
    const PixelSize room{std::min(number(words[1]) * cell.width, most_pixels),
                         std::min(number(words[2]) * cell.height, most_pixels)};
    return terminal_codes(rasterised(read_document(), room).get(), std::string(words[0]), cell);
}

int run(std::span<const std::string_view> words) {
    StandardOutput output;
    const auto fail = [&](const std::string& sentence) {
        std::cerr << "marginalia-picture: " << sentence << '\n';
        return output.finish(1, "marginalia-picture");
    };
    try {
        std::cout << answer(words);
        return output.finish(0, "marginalia-picture");
    } catch (const Error& error) {
        return fail(error.what());
    } catch (const std::bad_alloc&) {
        return fail("there is no memory for this picture");
    }
}

}  // namespace
}  // namespace marginalia

int main(int count, char** words) {
    const rlimit memory{marginalia::most_memory, marginalia::most_memory};
    const rlimit seconds{marginalia::most_seconds, marginalia::most_seconds};
    ::setrlimit(RLIMIT_AS, &memory);
    ::setrlimit(RLIMIT_CPU, &seconds);
    const std::vector<std::string_view> rest(words + 1, words + count);
    return marginalia::run(rest);
}
