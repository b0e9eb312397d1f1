#include "store/pages.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstring>

#include "store/sentences.h"

namespace marginalia::store {

namespace {

constexpr std::uint64_t largest_row = 2'000'000'000;  // SQLite's own bound is below this

std::uint64_t big_endian(const unsigned char* from, std::size_t size) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < size; ++i) value = value << 8 | from[i];
    return value;
}

// Moves `at` past it; nullopt where the bytes end first.
template <class Bytes>
std::optional<std::uint64_t> varint(const Bytes& bytes, std::size_t& at) {
    std::uint64_t value = 0;
    for (int i = 0; i < 9; ++i, ++at) {
        if (at >= bytes.size()) return std::nullopt;
        const auto byte = static_cast<unsigned char>(bytes[at]);
        if (i == 8) return ++at, value << 8 | byte;
        value = value << 7 | (byte & 0x7f);
        if (byte < 0x80) return ++at, value;
    }
    return std::nullopt;
}

std::optional<std::size_t> size_of_type(std::uint64_t type) {
    constexpr std::array<std::size_t, 10> sizes{0, 1, 2, 3, 4, 6, 8, 8, 0, 0};
    if (type < sizes.size()) return sizes[type];
    if (type < 12 || type > largest_row) return std::nullopt;
    return static_cast<std::size_t>((type - 12) / 2);
}

StoredValue value_of(std::uint64_t type, std::string_view bytes) {
    if (type == 0) return std::monostate{};
    if (type == 8 || type == 9) return static_cast<std::int64_t>(type - 8);
    if (type >= 12 && type % 2 == 0) return BlobValue{std::string(bytes)};
    if (type >= 12) return std::string(bytes);
    auto bits = big_endian(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
    if (type == 7) return std::bit_cast<double>(bits);
    const auto unused = 64 - 8 * bytes.size();
    return static_cast<std::int64_t>(bits << unused) >> unused;
}

std::optional<std::vector<StoredValue>> record(std::string_view bytes) {
    std::size_t at = 0;
    const auto header = varint(bytes, at);
    if (!header || *header > bytes.size() || *header < at) return std::nullopt;
    auto value_at = static_cast<std::size_t>(*header);
    std::vector<StoredValue> values;
    while (at < *header) {
        const auto type = varint(bytes, at);
        const auto size = type && at <= *header ? size_of_type(*type) : std::nullopt;
        if (!size || *size > bytes.size() - value_at) return std::nullopt;
        values.push_back(value_of(*type, bytes.substr(value_at, *size)));
        value_at += *size;
    }
    // A record fills its payload; one that does not is the header of something else.
    return value_at == bytes.size() ? std::optional(std::move(values)) : std::nullopt;
}

}  // namespace

Pages::Pages(const std::filesystem::path& file) : file_(file), descriptor_(::open(file.c_str(), O_RDONLY | O_CLOEXEC)) {
    struct stat found{};
    std::array<unsigned char, 100> header{};
    constexpr int cannot_open = 14;
    if (descriptor_ < 0 || ::fstat(descriptor_, &found) != 0 ||
        ::pread(descriptor_, header.data(), header.size(), 0) < 0) {
        const int error = errno;
        if (descriptor_ >= 0) ::close(descriptor_);
        throw sqlite_failure(file, cannot_open, "unable to open database file", error);
    }
    const auto size = big_endian(&header[16], 2) == 1 ? 65536 : static_cast<std::size_t>(big_endian(&header[16], 2));
    const auto file_size = static_cast<std::uint64_t>(found.st_size);
    // The header may be what is damaged: where only the size that stores are made with agrees with its number of pages,
    // it is that one.
    const bool is_usual = big_endian(&header[28], 4) * page_size_ == file_size;
    if (size >= 512 && std::has_single_bit(size) && !is_usual) page_size_ = size;
    const auto pages = (file_size + page_size_ - 1) / page_size_;
    count_ = static_cast<PageNumber>(std::min<std::uint64_t>(pages, 0xfffffffe));
    first_free_ = static_cast<PageNumber>(big_endian(&header[32], 4));
    free_count_ = static_cast<PageNumber>(big_endian(&header[36], 4));
}

Pages::~Pages() { ::close(descriptor_); }

// The part of the last page that a cut off file lacks is zeros.
Pages::Bytes Pages::read(PageNumber page) const {
    if (page == 0 || page > count_) return {};
    Bytes bytes(page_size_);
    const auto got = ::pread(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(page_size_) * (page - 1));
    return got > 0 ? bytes : Bytes{};
}

Pages::Kind Pages::kind_of(PageNumber page) const {
    unsigned char type = 0;
    if (page == 0 || page > count_) return Kind::other;
    const auto at = static_cast<off_t>(page_size_) * (page - 1) + static_cast<off_t>(header_at(page));
    if (::pread(descriptor_, &type, 1, at) != 1) return Kind::other;
    switch (type) {
        case 0x0d: return Kind::table_leaf;
        case 0x05: return Kind::table_inner;
        case 0x0a: return Kind::index_leaf;
        case 0x02: return Kind::index_inner;
        default: return Kind::other;
    }
}

Pages::Tree Pages::tree(PageNumber root, bool of_table) const {
    Tree found;
    std::vector<PageNumber> waiting{root};
    const auto inner = of_table ? Kind::table_inner : Kind::index_inner;
    const auto leaf = of_table ? Kind::table_leaf : Kind::index_leaf;
    while (!waiting.empty()) {
        const auto page = waiting.back();
        waiting.pop_back();
        const auto kind = kind_of(page);
        found.whole = found.whole && (kind == inner || kind == leaf);
        if (page == 0 || page > count_ || (kind != inner && kind != leaf && kind != Kind::other)) continue;
        // A page of no kind may be one whose first byte is damaged, and then most are leaves.
        const bool is_new = found.pages.emplace(page, kind == inner ? inner : leaf).second;
        found.whole = found.whole && is_new;
        if (!is_new || kind != inner) continue;
        const auto bytes = read(page);
        if (bytes.empty()) continue;
        waiting.push_back(static_cast<PageNumber>(big_endian(&bytes[header_at(page) + 8], 4)));
        for (const auto at : cells(page, bytes, kind))
            if (at + 4 <= bytes.size()) waiting.push_back(static_cast<PageNumber>(big_endian(&bytes[at], 4)));
    }
    return found;
}

std::optional<std::set<PageNumber>> Pages::free_pages() const {
    std::set<PageNumber> found;
    for (auto trunk = first_free_; trunk != 0;) {
        const auto bytes = read(trunk);
        if (bytes.empty() || !found.insert(trunk).second) return std::nullopt;
        const auto leaves = big_endian(&bytes[4], 4);
        if (leaves > page_size_ / 4 - 2) return std::nullopt;
        for (std::uint64_t i = 0; i < leaves; ++i) {
            const auto leaf = static_cast<PageNumber>(big_endian(&bytes[8 + 4 * i], 4));
            if (leaf == 0 || leaf > count_ || !found.insert(leaf).second) return std::nullopt;
        }
        trunk = static_cast<PageNumber>(big_endian(bytes.data(), 4));
    }
    return found.size() == free_count_ ? std::optional(std::move(found)) : std::nullopt;
}

std::vector<std::size_t> Pages::cells(PageNumber page, const Bytes& bytes, Kind kind) const {
    const auto start = header_at(page);
    const std::size_t list = start + (kind == Kind::table_inner || kind == Kind::index_inner ? 12 : 8);
    const auto count = static_cast<std::size_t>(big_endian(&bytes[start + 3], 2));
    std::vector<std::size_t> found;
    for (std::size_t i = 0; i < count && list + 2 * i + 2 <= page_size_; ++i)
        found.push_back(static_cast<std::size_t>(big_endian(&bytes[list + 2 * i], 2)));
    return found;
}

std::optional<std::string> Pages::payload(const Bytes& bytes, Kind kind, std::size_t at, std::uint64_t size) const {
    // How much of it lies on the page itself: "B-tree Cell Format".
    const std::uint64_t most = kind == Kind::table_leaf ? page_size_ - 35 : (page_size_ - 12) * 64 / 255 - 23;
    const std::uint64_t least = (page_size_ - 12) * 32 / 255 - 23;
    std::uint64_t here = size;
    if (size > most) {
        const auto wanted = least + (size - least) % (page_size_ - 4);
        here = wanted <= most ? wanted : least;
    }
    if (at + here + (size > here ? 4 : 0) > page_size_) return std::nullopt;
    std::string text(reinterpret_cast<const char*>(&bytes[at]), here);
    auto next = size > here ? static_cast<PageNumber>(big_endian(&bytes[at + here], 4)) : 0;
    // No page is in a chain twice: a circle would be longer than the file.
    if (size > here && (size - here) / page_size_ > count_) return std::nullopt;
    while (text.size() < size) {
        const auto more = read(next);
        if (more.empty()) return std::nullopt;
        const auto part = std::min<std::uint64_t>(size - text.size(), page_size_ - 4);
        text.append(reinterpret_cast<const char*>(&more[4]), part);
        next = static_cast<PageNumber>(big_endian(more.data(), 4));
    }
    // What follows the last page of a chain is nothing: another number says that the chain is of another row.
    return next == 0 ? std::optional(std::move(text)) : std::nullopt;
}

std::optional<StoredRow> Pages::cell(const Bytes& bytes, Kind kind, std::size_t at) const {
    if (kind == Kind::index_inner) at += 4;
    const auto size = varint(bytes, at);
    if (!size || *size > largest_row) return std::nullopt;
    StoredRow row;
    if (kind == Kind::table_leaf) {
        const auto rowid = varint(bytes, at);
        if (!rowid) return std::nullopt;
        row.rowid = static_cast<std::int64_t>(*rowid);
    }
    const auto text = payload(bytes, kind, at, *size);
    auto values = text ? record(*text) : std::nullopt;
    if (!values || values->empty()) return std::nullopt;
    row.values = std::move(*values);
    return row;
}

void Pages::rows(PageNumber page, Kind kind, const std::function<void(StoredRow&&)>& row,
                 const std::function<void()>& lost) const {
    if (kind == Kind::other || kind == Kind::table_inner) return;
    const auto bytes = read(page);
    if (bytes.empty()) return lost();
    for (const auto at : cells(page, bytes, kind)) {
        if (auto found = cell(bytes, kind, at)) row(std::move(*found));
        else lost();
    }
}

}  // namespace marginalia::store
