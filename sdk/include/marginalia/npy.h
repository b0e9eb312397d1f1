// Arrays saved by numpy.save. A help for plugins that read files; no part of the boundary between plugin and host.
#pragma once

#include <bit>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <limits>
#include <string>
#include <type_traits>
#include <vector>

#include <marginalia/error.h>

namespace marginalia {

// An array in C order: shape {rows, columns}, values[row * columns + column].
template <class T>
struct NpyArray {
    std::vector<std::int64_t> shape;
    std::vector<T> values;
};

namespace npy {

template <class T, class Stored>
void convert(const std::string& bytes, const std::string& path, std::vector<T>& out) {
    for (std::size_t i = 0; i < out.size(); ++i) {
        Stored value;
        std::memcpy(&value, bytes.data() + i * sizeof value, sizeof value);
        out[i] = static_cast<T>(value);
        if constexpr (!std::is_floating_point_v<T>) {
            const auto wide = static_cast<long double>(value);
            if (!(wide >= std::numeric_limits<T>::min() && wide <= std::numeric_limits<T>::max()) || static_cast<long double>(out[i]) != wide)
                throw Error(path + ": element " + std::to_string(i) + " is " + std::to_string(value) + "; it must be a whole number from " +
                            std::to_string(std::numeric_limits<T>::min()) + " to " + std::to_string(std::numeric_limits<T>::max()));
        }
    }
}

// The text of a key of the header, a Python dict literal: "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }".
inline std::string entry(const std::string& header, const std::string& key, char last, const std::string& path) {
    const auto at = header.find("'" + key + "':");
    const auto end = at == std::string::npos ? at : header.find(last, header.find_first_not_of(' ', at + key.size() + 3) + 1);
    if (end == std::string::npos) throw Error(path + ": the .npy header has no " + key + "; save it again with numpy.save");
    const auto begin = header.find_first_not_of(' ', at + key.size() + 3);
    return header.substr(begin, end - begin + 1);
}

}  // namespace npy

// Reads a .npy file (format 1 to 3) of booleans, integers of 1 to 8 bytes or floats of 4 or 8 bytes in this machine's byte
// order, C order. Throws Error naming the file and what is wrong: no such file, cut short, another type, Fortran order,
// an element that T cannot hold exactly (integral T only).
template <class T>
NpyArray<T> read_npy(const std::string& path) {
    static_assert(std::endian::native == std::endian::little);
    std::ifstream file(path, std::ios::binary);
    if (!file) throw Error(path + ": cannot be read; give the path of a readable file");
    char magic[8] = {};
    file.read(magic, sizeof magic);
    if (!file || std::memcmp(magic, "\x93NUMPY", 6) != 0) throw Error(path + ": not a .npy file; save the array with numpy.save");
    std::uint32_t length = 0;
    file.read(reinterpret_cast<char*>(&length), magic[6] == 1 ? 2 : 4);
    if (!file || length > (1u << 20)) throw Error(path + ": the .npy header is damaged; save the array again with numpy.save");
    std::string header(length, '\0');
    file.read(header.data(), length);

    NpyArray<T> array;
    const std::string type = npy::entry(header, "descr", ',', path), shape = npy::entry(header, "shape", ')', path);
    if (npy::entry(header, "fortran_order", ',', path).find("True") != std::string::npos)
        throw Error(path + ": the array is in Fortran order; save numpy.ascontiguousarray(array)");
    std::size_t count = 1;
    for (const char *at = shape.data(), *end = at + shape.size(); at < end;) {
        std::size_t extent = 0;
        const auto [next, error] = std::from_chars(at, end, extent);
        if (next == at) {  // a bracket, comma or blank
            ++at;
            continue;
        }
        if (error != std::errc() || __builtin_mul_overflow(count, extent, &count) || count > (std::size_t{1} << 40))
            throw Error(path + ": the shape " + shape + " is too large; save the array again with numpy.save");
        array.shape.push_back(static_cast<std::int64_t>(extent));
        at = next;
    }
    const std::string name = type.size() > 4 ? type.substr(1, 3) : "";
    const std::size_t size = name.empty() ? 0 : static_cast<std::size_t>(name[2] - '0');
    const auto start = file.tellg();
    file.seekg(0, std::ios::end);
    if (size == 0 || size > 8 || static_cast<std::size_t>(file.tellg() - start) != count * size)
        throw Error(path + ": the file has " + std::to_string(file.tellg() - start) + " bytes of data where its header says " +
                    std::to_string(count) + " elements of type " + type.substr(0, type.size() - 1) + "; save the array again with numpy.save");
    file.seekg(start);
    std::string bytes(count * size, '\0');
    file.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    if (!file) throw Error(path + ": cannot be read to its end");
    array.values.resize(count);
    const auto as = [&]<class Stored>(Stored) { npy::convert<T, Stored>(bytes, path, array.values); };
    if (name == "|b1" || name == "|u1") as(std::uint8_t{});
    else if (name == "|i1") as(std::int8_t{});
    else if (name == "<u2") as(std::uint16_t{});
    else if (name == "<i2") as(std::int16_t{});
    else if (name == "<u4") as(std::uint32_t{});
    else if (name == "<i4") as(std::int32_t{});
    else if (name == "<u8") as(std::uint64_t{});
    else if (name == "<i8") as(std::int64_t{});
    else if (name == "<f4") as(float{});
    else if (name == "<f8") as(double{});
    else throw Error(path + ": elements of type '" + name + "' are not read; save integers or floats, as array.astype('uint8')");
    return array;
}

}  // namespace marginalia
