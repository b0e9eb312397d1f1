// Arrays saved by numpy.save. A help for plugins that read files; no part of the boundary between plugin and host.
#pragma once

#include <marginalia/error.h>

#include <bit>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <limits>
#include <string>
#include <type_traits>
#include <vector>

namespace marginalia {

// An array in C order: shape {rows, columns}, values[row * columns + column].
template <class T>
struct NpyArray {
    std::vector<std::int64_t> shape;
    std::vector<T> values;
};

namespace npy {

// A file as it is: its elements are still bytes.
struct RawArray {
    std::vector<std::int64_t> shape;
    std::size_t count = 1;
    std::string type;  // "<f4": byte order, kind, bytes an element
    std::string bytes;
};

inline std::string contents_of(const std::string& path) {
    std::FILE* file = std::fopen(path.c_str(), "rb");
    std::string bytes;
    char piece[1 << 14];
    for (std::size_t got; file && (got = std::fread(piece, 1, sizeof piece, file)) > 0;) bytes.append(piece, got);
    const bool whole = file && !std::ferror(file);
    if (file) std::fclose(file);
    if (!whole) throw Error(path + ": cannot be read; give the path of a readable file");
    return bytes;
}

// The text of a key of the header, a Python dict literal: "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4),
// }".
inline std::string entry(const std::string& header, const std::string& key, char last, const std::string& path) {
    const auto at = header.find("'" + key + "':");
    const auto begin = at == std::string::npos ? at : header.find_first_not_of(' ', at + key.size() + 3);
    const auto end = begin == std::string::npos ? begin : header.find(last, begin + 1);
    if (end == std::string::npos)
        throw Error(path + ": the .npy header has no " + key + "; save it again with numpy.save");
    return header.substr(begin, end - begin + 1);
}

inline void read_shape(const std::string& text, RawArray& array, const std::string& path) {
    for (const char *at = text.data(), *end = at + text.size(); at < end;) {
        std::size_t extent = 0;
        const auto [next, error] = std::from_chars(at, end, extent);
        if (next == at) {  // a bracket, comma or blank
            ++at;
            continue;
        }
        if (error != std::errc() || __builtin_mul_overflow(array.count, extent, &array.count) ||
            array.count > (std::size_t{1} << 40))
            throw Error(path + ": the shape " + text + " is too large; save the array again with numpy.save");
        array.shape.push_back(static_cast<std::int64_t>(extent));
        at = next;
    }
}

inline RawArray read_raw(const std::string& path) {
    std::string bytes = contents_of(path);
    if (bytes.size() < 10 || std::memcmp(bytes.data(), "\x93NUMPY", 6) != 0)
        throw Error(path + ": not a .npy file; save the array with numpy.save");
    const std::size_t length_bytes = bytes[6] == 1 ? 2 : 4, start = 8 + length_bytes;
    std::uint32_t length = 0;
    std::memcpy(&length, bytes.data() + 8, bytes.size() < start ? 2 : length_bytes);
    if (bytes.size() < start || length > bytes.size() - start)
        throw Error(path + ": the .npy header is damaged; save the array again with numpy.save");
    const std::string header = bytes.substr(start, length);
    RawArray array;
    array.type = entry(header, "descr", ',', path);
    array.type = array.type.size() > 4 ? array.type.substr(1, array.type.size() - 3) : "";
    if (entry(header, "fortran_order", ',', path).find("True") != std::string::npos)
        throw Error(path + ": the array is in Fortran order; save numpy.ascontiguousarray(array)");
    read_shape(entry(header, "shape", ')', path), array, path);
    array.bytes = bytes.substr(start + length);
    return array;
}

template <class Stored>
double element(const char* bytes) {
    Stored value;
    std::memcpy(&value, bytes, sizeof value);
    return static_cast<double>(value);
}

// Six digits are plenty for a message.
inline std::string shown(double value) {
    char text[32];
    std::snprintf(text, sizeof text, "%.6g", value);
    return text;
}

// How an element of that type is read; null where it is not.
inline double (*reader_of(const std::string& type))(const char*) {
    if (type == "|b1" || type == "|u1") return element<std::uint8_t>;
    if (type == "|i1") return element<std::int8_t>;
    if (type == "<u2") return element<std::uint16_t>;
    if (type == "<i2") return element<std::int16_t>;
    if (type == "<u4") return element<std::uint32_t>;
    if (type == "<i4") return element<std::int32_t>;
    if (type == "<u8") return element<std::uint64_t>;
    if (type == "<i8") return element<std::int64_t>;
    if (type == "<f4") return element<float>;
    if (type == "<f8") return element<double>;
    return nullptr;
}

}  // namespace npy

// Reads a .npy file (format 1 to 3) of booleans, integers of 1 to 8 bytes or floats of 4 or 8 bytes in this machine's
// byte order, C order. Throws Error naming the file and what is wrong: no such file, cut short, another type, Fortran
// order, an element that T cannot hold (an integral T takes whole numbers in its range, up to 2^53).
template <class T>
NpyArray<T> read_npy(const std::string& path) {
    static_assert(std::endian::native == std::endian::little);
    npy::RawArray raw = npy::read_raw(path);
    const auto read = npy::reader_of(raw.type);
    if (!read)
        throw Error(path + ": elements of type '" + raw.type +
                    "' are not read; save integers or floats, as array.astype('uint8')");
    const auto size = static_cast<std::size_t>(raw.type[2] - '0');
    if (raw.bytes.size() != raw.count * size)
        throw Error(path + ": the file has " + std::to_string(raw.bytes.size()) +
                    " bytes of data where its header says " + std::to_string(raw.count) + " elements of type '" +
                    raw.type + "'; save the array again with numpy.save");
    NpyArray<T> array{std::move(raw.shape), std::vector<T>(raw.count)};
    for (std::size_t i = 0; i < raw.count; ++i) {
        const double value = read(raw.bytes.data() + i * size);
        if constexpr (std::is_integral_v<T>) {
            constexpr double exact = 9007199254740992.0;  // 2^53
            constexpr auto low = static_cast<double>(std::numeric_limits<T>::min());
            constexpr auto high = static_cast<double>(std::numeric_limits<T>::max());
            const bool fits = value >= low && value <= high && value >= -exact && value <= exact;
            if (!fits || static_cast<double>(static_cast<T>(value)) != value)
                throw Error(path + ": element " + std::to_string(i) + " is " + npy::shown(value) +
                            "; it must be a whole number from " + std::to_string(std::numeric_limits<T>::min()) +
                            " to " + std::to_string(std::numeric_limits<T>::max()));
        }
        array.values[i] = static_cast<T>(value);
    }
    return array;
}

}  // namespace marginalia
