#include <zlib.h>

#include <cstdlib>
#include <memory>

#include "../data_files.h"
#include "batches.h"

namespace marginalia {
namespace {

constexpr std::size_t across = cifar_pixels, channels = 3, line_bytes = 1 + cifar_bytes;  // a filter, then the pixels
constexpr std::size_t most_lines = 100'000;
constexpr const char* signature = "\x89PNG\r\n\x1a\n";

std::uint32_t big_endian(const char* p) {
    const auto* const b = reinterpret_cast<const std::uint8_t*>(p);
    return std::uint32_t{b[0]} << 24 | std::uint32_t{b[1]} << 16 | std::uint32_t{b[2]} << 8 | b[3];
}

[[noreturn]] void fail(const std::string& path, const std::string& sentence) {
    throw Error(path + ": " + sentence + "; remove it and fetch it with: marginalia data get cifar10");
}

// Unpacks the pieces of a zlib stream into one block of known size.
class Inflater {
public:
    Inflater(std::vector<std::uint8_t>& out, const std::string& path) : path_(path) {
        stream_.next_out = out.data();
        stream_.avail_out = static_cast<uInt>(out.size());
        if (inflateInit(&stream_) != Z_OK) fail(path_, "it cannot be unpacked");
    }
    ~Inflater() { inflateEnd(&stream_); }
    Inflater(const Inflater&) = delete;
    Inflater& operator=(const Inflater&) = delete;

    void add(const char* from, std::size_t size) {
        stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(from));
        stream_.avail_in = static_cast<uInt>(size);
        while (stream_.avail_in > 0 && status_ == Z_OK) status_ = inflate(&stream_, Z_NO_FLUSH);
        if (status_ != Z_OK && status_ != Z_STREAM_END) fail(path_, "its pixels are damaged");
    }
    void finish() const {
        if (stream_.avail_out > 0) fail(path_, "its pixels end early");
    }

private:
    const std::string& path_;
    z_stream stream_{};
    int status_ = Z_OK;
};

std::size_t lines_of(const std::string& bytes, const std::string& path) {
    constexpr std::size_t header_end = 8 + 8 + 13;
    if (bytes.size() < header_end || !bytes.starts_with(signature) || bytes.compare(12, 4, "IHDR") != 0)
        fail(path, "it is no PNG file");
    const std::uint32_t width = big_endian(bytes.data() + 16), lines = big_endian(bytes.data() + 20);
    if (width != across || lines < 1 || lines > most_lines ||
        bytes.compare(24, 5, std::string("\x08\x02\0\0\0", 5)) != 0)
        fail(path, "it has no pictures of 32 x 32 in lines of 1,024 pixels of red, green and blue");
    return lines;
}

// Filter, then pixels, of each line.
std::vector<std::uint8_t> unpacked(const std::string& bytes, std::size_t lines, const std::string& path) {
    std::vector<std::uint8_t> out(lines * line_bytes);
    Inflater inflater(out, path);
    for (std::size_t at = 8; at + 12 <= bytes.size();) {
        const std::size_t size = big_endian(bytes.data() + at);
        if (size > bytes.size() - at - 12) fail(path, "it ends early");
        if (bytes.compare(at + 4, 4, "IDAT") == 0) inflater.add(bytes.data() + at + 8, size);
        at += size + 12;
    }
    inflater.finish();
    return out;
}

int paeth(int left, int up, int corner) {
    const int to_left = std::abs(up - corner), to_up = std::abs(left - corner),
              to_corner = std::abs(left + up - 2 * corner);
    if (to_left <= to_up && to_left <= to_corner) return left;
    return to_up <= to_corner ? up : corner;
}

// Undoes a line's filter (PNG specification, section 9). `above` is the line before, or zeros.
void undo_filter(int filter, const std::uint8_t* from, const std::uint8_t* above, std::uint8_t* to,
                 const std::string& path) {
    if (filter > 4) fail(path, "its pixels are damaged");
    for (std::size_t i = 0; i < cifar_bytes; ++i) {
        const int left = i < channels ? 0 : to[i - channels], up = above[i],
                  corner = i < channels ? 0 : above[i - channels];
        const int guess[] = {0, left, up, (left + up) / 2, paeth(left, up, corner)};
        to[i] = static_cast<std::uint8_t>(from[i] + guess[filter]);
    }
}

}  // namespace

CifarPictures read_cifar_lines(const std::string& name) {
    const auto [path, bytes] = file_bytes(name, "folder", "cifar10");
    const std::size_t lines = lines_of(bytes, path);
    const std::vector<std::uint8_t> filtered = unpacked(bytes, lines, path), zeros(cifar_bytes);
    CifarPictures pictures(lines * cifar_bytes);
    for (std::size_t line = 0; line < lines; ++line) {
        const std::uint8_t* const from = filtered.data() + line * line_bytes;
        std::uint8_t* const to = pictures.data() + line * cifar_bytes;
        undo_filter(from[0], from + 1, line == 0 ? zeros.data() : to - cifar_bytes, to, path);
    }
    return pictures;
}

}  // namespace marginalia
