#include <marginalia/npy.h>

#include <charconv>
#include <cstdio>
#include <cstring>

#include "file_contents.h"

namespace marginalia::npy {
namespace {

template <class Stored>
double element(const char* bytes) {
    Stored value;
    std::memcpy(&value, bytes, sizeof value);
    return static_cast<double>(value);
}

}  // namespace

std::string entry(const std::string& header, const std::string& key, char last, const std::string& path) {
    const auto at = header.find("'" + key + "':");
    const auto begin = at == std::string::npos ? at : header.find_first_not_of(' ', at + key.size() + 3);
    const auto end = begin == std::string::npos ? begin : header.find(last, begin + 1);
    if (end == std::string::npos)
        throw Error(path + ": the .npy header has no " + key + "; save it again with numpy.save");
    return header.substr(begin, end - begin + 1);
}

void read_shape(const std::string& text, RawArray& array, const std::string& path) {
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

RawArray read_raw(const std::string& path) {
    std::string bytes = file_contents(path);
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

std::string shown(double value) {
    char text[32];
    std::snprintf(text, sizeof text, "%.6g", value);
    return text;
}

double (*reader_of(const std::string& type))(const char*) {
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

}  // namespace marginalia::npy
