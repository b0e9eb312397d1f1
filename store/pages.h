// The pages of an SQLite file, read without SQLite, which gives up where a tree is broken: rows as they lie on their
// pages (https://www.sqlite.org/fileformat2.html). Internal to store/.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace marginalia::store {

using PageNumber = std::uint32_t;
// Texts and blobs are distinct types here.
struct BlobValue {
    std::string bytes;
    bool operator<(const BlobValue& other) const { return bytes < other.bytes; }
};
using StoredValue = std::variant<std::monostate, std::int64_t, double, std::string, BlobValue>;

struct StoredRow {
    std::int64_t rowid = 0;  // of a table with rowids
    std::vector<StoredValue> values;
};

// A file as pages. Nothing in it is trusted: offsets, sizes and page numbers are checked, and a walk never goes in
// circles. Reads by pread, so that no more than a row is in memory. One thread.
class Pages {
public:
    explicit Pages(const std::filesystem::path& file);  // throws StoreError (failed) if it cannot be read
    ~Pages();
    Pages(const Pages&) = delete;

    PageNumber count() const { return count_; }

    enum class Kind { table_leaf, table_inner, index_leaf, index_inner, other };
    Kind kind_of(PageNumber page) const;

    // The pages of the tree below `root`, as far as its links lead to pages of such a tree, and as what they are read.
    struct Tree {
        std::map<PageNumber, Kind> pages;
        bool whole = true;  // all links did
    };
    Tree tree(PageNumber root, bool of_table) const;

    // Pages that are in no tree and hold rows that were deleted. nullopt: their list is broken.
    std::optional<std::set<PageNumber>> free_pages() const;

    // The rows of a leaf, or the keys of an inner page of an index, read as a page of that kind. `lost`: called for
    // each that cannot be read.
    void rows(PageNumber page, Kind kind, const std::function<void(StoredRow&&)>& row,
              const std::function<void()>& lost) const;

private:
    using Bytes = std::vector<unsigned char>;
    Bytes read(PageNumber page) const;  // empty where there is none
    std::size_t header_at(PageNumber page) const { return page == 1 ? 100 : 0; }
    std::vector<std::size_t> cells(PageNumber page, const Bytes& bytes, Kind kind) const;
    std::optional<StoredRow> cell(const Bytes& bytes, Kind kind, std::size_t at) const;
    std::optional<std::string> payload(const Bytes& bytes, Kind kind, std::size_t at, std::uint64_t size) const;

    std::filesystem::path file_;
    int descriptor_ = -1;
    std::size_t page_size_ = 4096;  // of which stores leave nothing unused
    PageNumber count_ = 0, first_free_ = 0, free_count_ = 0;
};

}  // namespace marginalia::store
