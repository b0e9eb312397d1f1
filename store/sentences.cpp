#include "store/sentences.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <cerrno>
#include <cstring>

namespace marginalia::store {

namespace {

using Kind = StoreError::Kind;

template <class... Values>
StoreError sentence(Kind kind, fmt::format_string<Values...> text, Values&&... values) {
    return {kind, fmt::format(text, std::forward<Values>(values)...)};
}

constexpr auto elsewhere = "name another file with --store FILE or MARGINALIA_STORE";

}  // namespace

StoreError no_file_named(const std::filesystem::path& file) {
    return sentence(Kind::missing, "'{}' names no file to keep the store in; {}", file.string(), elsewhere);
}

StoreError no_such_store(const std::filesystem::path& file) {
    return sentence(Kind::missing, "there is no store {}; run an experiment first, or {}", file.string(), elsewhere);
}

StoreError no_such_folder(const std::filesystem::path& file, const std::filesystem::path& folder) {
    return sentence(Kind::missing, "store {} cannot be made: there is no folder {}; make it with mkdir -p, or {}",
                    file.string(), folder.string(), elsewhere);
}

StoreError not_a_store(const std::filesystem::path& file, std::string_view what_it_is) {
    return sentence(Kind::not_a_store, "{} is not a marginalia store but {}, and was left as it is; {}", file.string(),
                    what_it_is, elsewhere);
}

StoreError newer_store(const std::filesystem::path& file, std::int64_t version, std::int64_t known) {
    return sentence(Kind::newer,
                    "store {} has layout version {} and this marginalia knows versions up to {}; use the newer "
                    "marginalia that wrote it, or {}",
                    file.string(), version, known, elsewhere);
}

StoreError older_store(const std::filesystem::path& file, std::int64_t version, std::int64_t known) {
    return sentence(Kind::failed,
                    "store {} has the older layout version {} and this marginalia reads version {}; bring it up to "
                    "date with: marginalia resume --store {}",
                    file.string(), version, known, file.string());
}

StoreError unwritable_store(const std::filesystem::path& file, const std::filesystem::path& what, int error) {
    const bool read_only = error == EROFS || error == EACCES || error == EPERM;
    return sentence(Kind::read_only, "store {} cannot be written: {} {} ({}); change that, or {}", file.string(),
                    what.string(), read_only ? "is read-only here" : "takes no files", std::strerror(error), elsewhere);
}

StoreError network_store(const std::filesystem::path& file, std::string_view filesystem) {
    return sentence(Kind::network,
                    "store {} lies on a network filesystem ({}), where SQLite's locks and shared memory cannot be "
                    "relied on; keep it on a local disk (--store FILE or MARGINALIA_STORE) and copy it when done",
                    file.string(), filesystem);
}

StoreError no_shared_memory(const std::filesystem::path& file) {
    return sentence(Kind::network,
                    "store {} lies on a filesystem without the shared memory that SQLite's write-ahead log needs; "
                    "keep it on a local disk (--store FILE or MARGINALIA_STORE)",
                    file.string());
}

StoreError full_disk(const std::filesystem::path& file) {
    return sentence(Kind::full,
                    "no space is left on the disk of store {}; free some and give the same command again: what was "
                    "recorded before is safe",
                    file.string());
}

StoreError damaged_store(const std::filesystem::path& file, std::string_view how) {
    return sentence(
        Kind::damaged,
        "store {0} is damaged ({1}); go back to a copy of it, or keep what is whole with: marginalia recover {0} --out "
        "NEW",
        file.string(), how);
}

StoreError sqlite_failure(const std::filesystem::path& file, int code, std::string_view message, int error) {
    const int primary = code & 0xff;
    const bool disk = primary == SQLITE_IOERR || primary == SQLITE_CANTOPEN;
    if (primary == SQLITE_FULL || (disk && (error == ENOSPC || error == EDQUOT))) return full_disk(file);
    // Our own statements are right: where one is refused, the file has not the tables or the values that it should.
    if (primary == SQLITE_CORRUPT || primary == SQLITE_NOTADB || primary == SQLITE_ERROR ||
        primary == SQLITE_MISMATCH || primary == SQLITE_CONSTRAINT)
        return damaged_store(file, message);
    if (primary == SQLITE_READONLY || primary == SQLITE_PERM) return unwritable_store(file, file, EROFS);
    if (primary == SQLITE_BUSY || primary == SQLITE_LOCKED)
        return sentence(Kind::locked,
                        "store {} stayed locked by another process for 10 s; wait until that has ended, or end it, "
                        "and give the same command again",
                        file.string());
    if (code == SQLITE_IOERR_SHMMAP || code == SQLITE_IOERR_SHMOPEN || code == SQLITE_IOERR_SHMLOCK)
        return no_shared_memory(file);
    const auto reason =
        error != 0 && disk ? fmt::format("{}, {}", message, std::strerror(error)) : std::string(message);
    return sentence(Kind::failed,
                    "store {} could not be read or written ({}); check its disk and folder, then give "
                    "the same command again",
                    file.string(), reason);
}

}  // namespace marginalia::store
