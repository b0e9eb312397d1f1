#include "kernel/worker/checkpoint/zip_records.h"

#include <marginalia/error.h>
#include <zlib.h>

#include <cstring>

namespace marginalia {
namespace {

// Sizes and signatures of APPNOTE.TXT, 4.3.
constexpr std::size_t local_bytes = 30, entry_bytes = 46, end_bytes = 22, locator_bytes = 20, end64_bytes = 56;
constexpr std::uint32_t local_mark = 0x04034b50, entry_mark = 0x02014b50, end_mark = 0x06054b50,
                        locator_mark = 0x07064b50, end64_mark = 0x06064b50;
constexpr std::uint32_t elsewhere = 0xffffffff;  // the 64-bit field has the number

[[noreturn]] void damaged(const std::string& what) {
    throw Error("the checkpoint is damaged: " + what + "; take another one by --step, or train the trial again");
}

// The number at a place, in little-endian order as on every machine that LibTorch runs on.
template <class Number>
Number number_at(std::string_view bytes, std::size_t at) {
    if (at > bytes.size() || sizeof(Number) > bytes.size() - at) damaged("its archive is cut off");
    Number number;
    std::memcpy(&number, bytes.data() + at, sizeof number);
    return number;
}

std::string_view piece(std::string_view bytes, std::size_t at, std::size_t size) {
    if (at > bytes.size() || size > bytes.size() - at) damaged("a record lies outside its archive");
    return bytes.substr(at, size);
}

void expect_mark(std::string_view bytes, std::size_t at, std::uint32_t mark) {
    if (number_at<std::uint32_t>(bytes, at) != mark) damaged("it is no zip archive as LibTorch writes them");
}

// The numbers of an entry that do not fit in 32 bits, in the order of the fields that say `elsewhere`.
class WideNumbers {
public:
    explicit WideNumbers(std::string_view extra) {
        for (std::size_t at = 0; at + 4 <= extra.size();) {
            const auto kind = number_at<std::uint16_t>(extra, at), size = number_at<std::uint16_t>(extra, at + 2);
            const std::string_view field = piece(extra, at + 4, size);
            if (kind == 1) wide_ = field;
            at += 4 + std::size_t{size};
        }
    }
    std::size_t widened(std::uint32_t narrow) {
        if (narrow != elsewhere) return narrow;
        const auto number = number_at<std::uint64_t>(wide_, 0);
        wide_.remove_prefix(sizeof number);
        return number;
    }

private:
    std::string_view wide_;
};

struct Directory {
    std::size_t at, count;
};

Directory find_directory(std::string_view bytes) {
    if (bytes.size() < end_bytes) damaged("it is no zip archive as LibTorch writes them");
    const std::size_t end = bytes.size() - end_bytes;
    expect_mark(bytes, end, end_mark);
    const auto count = number_at<std::uint16_t>(bytes, end + 10);
    const auto offset = number_at<std::uint32_t>(bytes, end + 16);
    if (count != 0xffff && offset != elsewhere) return {offset, count};
    if (end < locator_bytes) damaged("its archive is cut off");
    expect_mark(bytes, end - locator_bytes, locator_mark);
    const auto end64 = number_at<std::uint64_t>(bytes, end - locator_bytes + 8);
    piece(bytes, end64, end64_bytes);
    expect_mark(bytes, end64, end64_mark);
    return {number_at<std::uint64_t>(bytes, end64 + 48), number_at<std::uint64_t>(bytes, end64 + 32)};
}

}  // namespace

ZipRecords::ZipRecords(std::string_view bytes) { read_directory(bytes); }

void ZipRecords::read_directory(std::string_view bytes) {
    const Directory directory = find_directory(bytes);
    std::map<std::size_t, std::size_t> places;  // of local headers: end of the record's data
    std::size_t at = directory.at;
    for (std::size_t entry = 0; entry < directory.count; ++entry) at = read_entry(bytes, at, places);
    std::size_t taken = 0;
    for (const auto& [first, end] : places) {
        if (first < taken) damaged("two of its records share bytes");
        taken = end;
    }
}

std::size_t ZipRecords::read_entry(std::string_view bytes, std::size_t at, std::map<std::size_t, std::size_t>& places) {
    expect_mark(bytes, at, entry_mark);
    const auto method = number_at<std::uint16_t>(bytes, at + 10);
    const auto crc = number_at<std::uint32_t>(bytes, at + 16), packed = number_at<std::uint32_t>(bytes, at + 20),
               size = number_at<std::uint32_t>(bytes, at + 24), offset = number_at<std::uint32_t>(bytes, at + 42);
    const auto name_size = number_at<std::uint16_t>(bytes, at + 28),
               extra_size = number_at<std::uint16_t>(bytes, at + 30),
               comment_size = number_at<std::uint16_t>(bytes, at + 32);
    const std::string_view name = piece(bytes, at + entry_bytes, name_size);
    WideNumbers wide(piece(bytes, at + entry_bytes + name_size, extra_size));
    const std::size_t whole = wide.widened(size), in_archive = wide.widened(packed), local = wide.widened(offset);

    expect_mark(bytes, local, local_mark);
    const std::size_t data =
        local + local_bytes + number_at<std::uint16_t>(bytes, local + 26) + number_at<std::uint16_t>(bytes, local + 28);
    const bool stored = method == 0 && whole == in_archive;
    const std::string_view content = piece(bytes, data, in_archive);
    if (!places.emplace(local, data + in_archive).second) damaged("two of its records share bytes");
    const std::string short_name(name.substr(std::min(name.find('/') + 1, name.size())));
    if (!records_.emplace(short_name, Entry{content, crc, stored}).second)
        damaged("it has two records '" + short_name + "'");
    return at + entry_bytes + name_size + extra_size + comment_size;
}

std::string_view ZipRecords::at(const std::string& name) const {
    const auto found = records_.find(name);
    if (found == records_.end()) damaged("it has no record '" + name + "'");
    const auto& [data, crc, stored] = found->second;
    if (!stored) damaged("its record '" + name + "' is compressed, as LibTorch never writes it");
    if (::crc32_z(0, reinterpret_cast<const unsigned char*>(data.data()), data.size()) != crc)
        damaged("the checksum of its record '" + name + "' does not fit");
    return data;
}

}  // namespace marginalia
