#include "kernel/train/npy_rows.h"

#include <marginalia/npy.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>

namespace marginalia {

NpyRows::NpyRows(std::string file, std::int64_t sites, std::int64_t categories)
    : name_(std::move(file)),
      width_(static_cast<std::size_t>(sites)),
      categories_(categories),
      file_(name_, std::ios::binary) {
    if (!file_) throw Error(name_ + ": cannot be read; give the path of a readable file");
    // The head alone, for the sdk's reader of whole arrays: its length is in the first bytes.
    char start[12] = {};
    file_.read(start, sizeof start);
    const std::size_t length_bytes = start[6] == 1 ? 2 : 4;
    std::uint32_t length = 0;
    std::memcpy(&length, start + 8, length_bytes);
    if (!file_ || std::memcmp(start, "\x93NUMPY", 6) != 0)
        throw Error(name_ + ": not a .npy file; save the array with numpy.save");
    const std::size_t begin = 8 + length_bytes, size = std::filesystem::file_size(name_);
    if (length > size - std::min(size, begin))
        throw Error(name_ + ": the .npy header is damaged; save the array again with numpy.save");
    std::string header(length, '\0');
    file_.seekg(static_cast<std::streamoff>(begin));
    file_.read(header.data(), length);
    npy::RawArray array;
    array.type = npy::entry(header, "descr", ',', name_);
    array.type = array.type.size() > 4 ? array.type.substr(1, array.type.size() - 3) : "";
    if (npy::entry(header, "fortran_order", ',', name_).find("True") != std::string::npos)
        throw Error(name_ + ": the array is in Fortran order; save numpy.ascontiguousarray(array)");
    npy::read_shape(npy::entry(header, "shape", ')', name_), array, name_);
    read_ = npy::reader_of(array.type);
    if (!read_)
        throw Error(name_ + ": elements of type '" + array.type +
                    "' are not read; save integers, as array.astype('int16')");
    element_bytes_ = static_cast<std::size_t>(array.type[2] - '0');
    elements_ = array.count;
    if (array.shape.size() < 2 || elements_ != static_cast<std::size_t>(array.shape[0]) * width_)
        throw Error(name_ + ": the array does not hold rows of " + std::to_string(width_) + " sites; give shape (N, " +
                    std::to_string(width_) + ")");
    if (size - begin - length != elements_ * element_bytes_)
        throw Error(name_ + ": the file has " + std::to_string(size - begin - length) +
                    " bytes of data where its header says " + std::to_string(elements_) + " elements of type '" +
                    array.type + "'; save the array again with numpy.save");
}

std::uint8_t NpyRows::symbol(const char* bytes, std::size_t element) const {
    const double value = read_(bytes);
    const auto unknown = static_cast<double>(categories_);
    if (value == -1) return static_cast<std::uint8_t>(categories_);
    if (value >= 0 && value <= unknown && value == std::floor(value)) return static_cast<std::uint8_t>(value);
    throw Error(name_ + ": row " + std::to_string(element / width_) + ", site " + std::to_string(element % width_) +
                " is " + npy::shown(value) + "; symbols are 0 to " + std::to_string(categories_ - 1) + ", and " +
                std::to_string(categories_) + " or -1 for unknown");
}

std::vector<std::uint8_t> NpyRows::next(std::size_t most) {
    const std::size_t count = std::min(elements_ - taken_, most * width_);
    std::string bytes(count * element_bytes_, '\0');
    file_.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    if (!file_) throw Error(name_ + ": cannot be read to its end");
    std::vector<std::uint8_t> rows(count);
    for (std::size_t i = 0; i < count; ++i) rows[i] = symbol(bytes.data() + i * element_bytes_, taken_ + i);
    taken_ += count;
    return rows;
}

}  // namespace marginalia
