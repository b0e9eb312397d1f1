#include <marginalia/npy.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstring>

#include "npz.h"

namespace marginalia {
namespace {

constexpr std::string_view npy_mark("\x93NUMPY", 6), zip_mark("PK\3\4", 4), empty_zip_mark("PK\5\6", 4);
constexpr std::size_t most_head = std::size_t{1} << 20;
constexpr std::size_t most_elements = std::size_t{1} << 40;
constexpr std::size_t most_axes = 32;  // as numpy has

template <class Stored>
double element(const char* bytes) {
    Stored value;
    std::memcpy(&value, bytes, sizeof value);
    return static_cast<double>(value);
}

// IEEE 754 binary16.
double half(const char* bytes) {
    std::uint16_t bits;
    std::memcpy(&bits, bytes, sizeof bits);
    const int exponent = bits >> 10 & 31, fraction = bits & 1023;
    const double size = exponent == 31  ? (fraction == 0 ? HUGE_VAL : NAN)
                        : exponent == 0 ? std::ldexp(fraction, -24)
                                        : std::ldexp(1024 + fraction, exponent - 25);
    return bits >> 15 ? -size : size;
}

double (*reader_of(std::string_view kind))(const char*) {
    if (kind == "b1" || kind == "u1") return element<std::uint8_t>;
    if (kind == "i1") return element<std::int8_t>;
    if (kind == "u2") return element<std::uint16_t>;
    if (kind == "i2") return element<std::int16_t>;
    if (kind == "u4") return element<std::uint32_t>;
    if (kind == "i4") return element<std::int32_t>;
    if (kind == "u8") return element<std::uint64_t>;
    if (kind == "i8") return element<std::int64_t>;
    if (kind == "f2") return half;
    if (kind == "f4") return element<float>;
    if (kind == "f8") return element<double>;
    return nullptr;
}

// The head, a Python dict literal such as {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }, word by word.
class Head {
public:
    Head(std::string_view text, const std::string& path) : text_(text), path_(path) {
        expect('{');
        while (!take('}')) {
            const std::string key = word();
            expect(':');
            if (key == "descr" && peek() == '\'') type = word();
            else if (key == "descr") refuse("its elements are records; save an array of plain numbers");
            else if (key == "fortran_order") fortran = truth();
            else if (key == "shape") tuple();
            else damaged();
            ++seen_;
            if (!take(',')) {
                expect('}');
                break;
            }
        }
        if (peek() != '\0' || seen_ != 3 || type.empty()) damaged();
    }

    std::string type;
    bool fortran = false;
    std::vector<std::int64_t> shape;
    std::size_t size = 1;

private:
    [[noreturn]] void refuse(const std::string& what) const { throw Error(path_ + ": " + what); }
    [[noreturn]] void damaged() const { refuse("the .npy header is damaged; save the array again with numpy.save"); }

    char peek() {
        while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n')) ++at_;
        return at_ < text_.size() ? text_[at_] : '\0';
    }
    bool take(char c) { return peek() == c && (++at_, true); }
    void expect(char c) {
        if (!take(c)) damaged();
    }

    std::string word() {
        const char quote = peek();
        if (quote != '\'' && quote != '"') damaged();
        const std::size_t end = text_.find(quote, at_ + 1);
        if (end == text_.npos) damaged();
        const std::string found(text_.substr(at_ + 1, end - at_ - 1));
        at_ = end + 1;
        return found;
    }

    bool truth() {
        for (const std::string_view value : {"True", "False"}) {
            peek();
            if (!text_.substr(at_).starts_with(value)) continue;
            at_ += value.size();
            return value == "True";
        }
        damaged();
    }

    void tuple() {
        peek();
        const std::size_t begin = at_, end = std::min(text_.find(')', at_), text_.size() - 1) + 1;
        expect('(');
        while (!take(')')) {
            peek();
            std::int64_t extent = -1;
            const auto [next, error] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), extent);
            if (next == text_.data() + at_) damaged();
            at_ = static_cast<std::size_t>(next - text_.data());
            if (at_ < text_.size() && text_[at_] == 'L') ++at_;  // as Python 2 wrote it
            if (error == std::errc() && extent < 0)
                refuse("the shape in its header has the side " + std::to_string(extent) +
                       "; save the array again with numpy.save");
            if (error != std::errc() || shape.size() == most_axes ||
                __builtin_mul_overflow(size, static_cast<std::size_t>(extent), &size) || size > most_elements)
                refuse("the shape " + visible(text_.substr(begin, end - begin), 60) +
                       " in its header is too large; save the array again with numpy.save");
            shape.push_back(extent);
            if (!take(',')) {
                expect(')');
                break;
            }
        }
    }

    std::string_view text_;
    const std::string& path_;
    std::size_t at_ = 0;
    int seen_ = 0;
};

bool is_swapped(const std::string& type) { return type[0] == (std::endian::native == std::endian::little ? '>' : '<'); }

}  // namespace

NpyFile::NpyFile(std::string path) : path_(std::move(path)), file_(std::make_unique<FileReader>(path_)) {
    if (file_->packed()) hold(file_contents(path_));
    if (const std::string start = first_bytes(); start.starts_with(zip_mark) || start.starts_with(empty_zip_mark))
        hold(only_array(file_ ? file_contents(path_) : packed_, path_));
    const std::string start = first_bytes();
    if (!start.starts_with(npy_mark)) throw Error(path_ + ": not a .npy file; save the array with numpy.save");
    if (start[6] < 1 || start[6] > 3)
        throw Error(path_ + ": the .npy format " + std::to_string(static_cast<unsigned char>(start[6])) +
                    " is not known; save the array with numpy.save, which writes 1 to 3");
    const std::size_t length_bytes = start[6] == 1 ? 2 : 4;
    std::uint64_t length = 0;
    for (std::size_t i = length_bytes; i-- > 0;) length = length << 8 | static_cast<unsigned char>(start[8 + i]);
    begin_ = 8 + length_bytes + length;
    if (length > most_head || begin_ > bytes())
        throw Error(path_ + ": the .npy header is damaged; save the array again with numpy.save");
    std::string head(length, '\0');
    bytes_at(8 + length_bytes, head.data(), length);
    parse_head(head);
    const std::uint64_t data = bytes() - begin_;
    if (data / element_bytes_ != size_ || data % element_bytes_ != 0)
        throw Error(path_ + ": the file has " + std::to_string(data) + " bytes of data where its header says " +
                    std::to_string(size_) + " elements of type '" + type_ + "'; save the array again with numpy.save");
}

void NpyFile::hold(std::string bytes) {
    packed_ = std::move(bytes);
    file_ = nullptr;
}

std::uint64_t NpyFile::bytes() const { return file_ ? file_->size() : packed_.size(); }

// Twelve, with zeros where there are fewer.
std::string NpyFile::first_bytes() {
    std::string start(12, '\0');
    bytes_at(0, start.data(), std::min<std::uint64_t>(start.size(), bytes()));
    return start;
}

void NpyFile::parse_head(std::string_view text) {
    Head head(text, path_);
    type_ = head.type;
    const bool known = type_.size() == 3 && std::string_view("<>|=").find(type_[0]) != std::string_view::npos;
    element_ = known ? reader_of(std::string_view(type_).substr(1)) : nullptr;
    if (type_ == "|O" || type_ == "O")
        throw Error(
            path_ +
            ": its elements are Python objects, which are not read, as reading them may run code; save numbers, as "
            "array.astype('uint8')");
    if (!element_)
        throw Error(path_ + ": elements of type '" + visible(type_) +
                    "' are not read; save integers or floats, as array.astype('uint8')");
    element_bytes_ = static_cast<std::size_t>(type_[2] - '0');
    shape_ = head.shape;
    size_ = head.size;
    for (std::size_t axis = 1; axis < shape_.size(); ++axis) width_ *= static_cast<std::size_t>(shape_[axis]);
    fortran_ = head.fortran && shape_.size() > 1 && size_ > 0;
    if (!fortran_) return;
    // In Fortran order the first axis is the fastest, of a row's own axes too.
    order_.assign(width_, 0);
    std::size_t step = 1, repeat = width_;
    for (std::size_t axis = 1; axis < shape_.size(); ++axis) {
        const auto side = static_cast<std::size_t>(shape_[axis]);
        repeat /= side;
        for (std::size_t i = 0; i < width_; ++i) order_[i] += i / repeat % side * step;
        step *= side;
    }
}

void NpyFile::bytes_at(std::uint64_t offset, char* to, std::size_t count) {
    if (file_) return file_->read_at(offset, to, count);
    std::memcpy(to, packed_.data() + offset, count);  // within it, as its length was checked
}

void NpyFile::read(std::size_t first, std::size_t count, std::span<double> values) {
    if (values.size() != count * width_ || first + count > rows())
        throw Error(path_ + ": rows " + std::to_string(first) + " to " + std::to_string(first + count) +
                    " are not in it");
    const bool swapped = is_swapped(type_);
    // One run in C order; in Fortran order one for each element of a row, as rows are the fastest axis.
    const std::size_t runs = fortran_ ? width_ : 1, length = fortran_ ? count : count * width_;
    std::string bytes(length * element_bytes_, '\0');
    for (std::size_t run = 0; run < runs; ++run) {
        const std::size_t at = fortran_ ? order_[run] * rows() + first : first * width_;
        bytes_at(begin_ + at * element_bytes_, bytes.data(), bytes.size());
        for (std::size_t i = 0; i < length; ++i) {
            char* const here = bytes.data() + i * element_bytes_;
            if (swapped) std::reverse(here, here + element_bytes_);
            values[fortran_ ? i * width_ + run : i] = element_(here);
        }
    }
}

std::string NpyFile::shown(double value) {
    char text[32];
    std::snprintf(text, sizeof text, "%.6g", value);
    return text;
}

}  // namespace marginalia
