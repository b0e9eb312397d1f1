// Arrays saved by numpy.save. A help for plugins that read files; no part of the boundary between plugin and host.
#pragma once

#include <marginalia/error.h>

#include <bit>
#include <cstdint>
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

// The text of a key of the header, a Python dict literal: "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4),
// }".
std::string entry(const std::string& header, const std::string& key, char last, const std::string& path);

// "(3, 4)" into shape and count.
void read_shape(const std::string& text, RawArray& array, const std::string& path);

RawArray read_raw(const std::string& path);

// Six digits are plenty for a message.
std::string shown(double value);

// How an element of that type is read; null where it is not.
double (*reader_of(const std::string& type))(const char*);

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
