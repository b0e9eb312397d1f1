// Arrays saved by numpy.save, numpy.savez and numpy.savez_compressed. A help for plugins that read files; no part of
// the boundary between plugin and host.
#pragma once

#include <marginalia/error.h>
#include <marginalia/files.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace marginalia {

// An array in C order: shape {rows, columns}, values[row * columns + column].
template <class T>
struct NpyArray {
    std::vector<std::int64_t> shape;
    std::vector<T> values;
};

// An array in a file, of which a part is read at a time: a .npy file (format 1 to 3), plain or packed by gzip, or a
// .npz file of one array; what it is the first bytes say, not its name. Elements are booleans, integers of 1 to 8 bytes
// or floats of 2, 4 or 8, in either order of bytes; the array is in C or in Fortran order. Memory holds the array's
// bytes only where they are packed. One thread.
class NpyFile {
public:
    // Reads the head. Throws Error naming the file and what is wrong: no such file, none of these formats, a damaged
    // head, more or fewer bytes than it says, elements of another type (objects, which would have to be unpickled,
    // among them).
    explicit NpyFile(std::string path);

    const std::vector<std::int64_t>& shape() const { return shape_; }
    std::size_t size() const { return size_; }  // elements
    std::size_t rows() const { return shape_.empty() ? 1 : static_cast<std::size_t>(shape_[0]); }
    std::size_t width() const { return width_; }       // elements of a row, that is of all axes but the first
    const std::string& type() const { return type_; }  // "<f4": order of bytes, kind, bytes an element

    // The elements of rows first .. first + count - 1 in C order; values.size() must be count * width().
    void read(std::size_t first, std::size_t count, std::span<double> values);

    // For messages: six digits are plenty.
    static std::string shown(double value);

private:
    void hold(std::string bytes);
    std::uint64_t bytes() const;
    std::string first_bytes();
    void parse_head(std::string_view head);
    void bytes_at(std::uint64_t offset, char* to, std::size_t count);

    const std::string path_;
    std::unique_ptr<FileReader> file_;  // null: the bytes are in packed_
    std::string packed_;
    std::vector<std::int64_t> shape_;
    std::string type_;
    bool fortran_ = false;
    std::size_t size_ = 1, width_ = 1, element_bytes_ = 0;
    std::uint64_t begin_ = 0;                         // of the elements
    std::vector<std::size_t> order_;                  // where in a row of Fortran order its elements in C order lie
    double (*element_)(const char* bytes) = nullptr;  // in this machine's order of bytes
};

// All of it. Throws Error also for an element that T cannot hold (an integral T takes whole numbers in its range, up to
// 2^53).
template <class T>
NpyArray<T> read_npy(const std::string& path) {
    NpyFile file(path);
    NpyArray<T> array{file.shape(), {}};
    array.values.reserve(file.size());
    const std::size_t piece = std::max<std::size_t>(1, (std::size_t{1} << 16) / std::max<std::size_t>(1, file.width()));
    std::vector<double> values;
    for (std::size_t row = 0; row < file.rows() && file.size() > 0; row += piece) {
        const std::size_t count = std::min(piece, file.rows() - row);
        values.resize(count * file.width());
        file.read(row, count, values);
        for (const double value : values) {
            if constexpr (std::is_integral_v<T>) {
                constexpr double exact = 9007199254740992.0;  // 2^53
                constexpr auto low = static_cast<double>(std::numeric_limits<T>::min());
                constexpr auto high = static_cast<double>(std::numeric_limits<T>::max());
                const bool fits = value >= low && value <= high && value >= -exact && value <= exact;
                if (!fits || static_cast<double>(static_cast<T>(value)) != value)
                    throw Error(path + ": element " + std::to_string(array.values.size()) + " is " +
                                NpyFile::shown(value) + "; it must be a whole number from " +
                                std::to_string(std::numeric_limits<T>::min()) + " to " +
                                std::to_string(std::numeric_limits<T>::max()));
            }
            array.values.push_back(static_cast<T>(value));
        }
    }
    return array;
}

}  // namespace marginalia
