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

StoreError misleading_name(const std::filesystem::path& file, std::string_view why) {
    constexpr std::size_t most = 80;
    std::string shown;
    for (const unsigned char c : file.string().substr(0, most))
        shown += c < 0x20 || c == 0x7F ? fmt::format("U+{:04X}", c) : std::string(1, static_cast<char>(c));
    if (file.string().size() > most) shown += "...";
    return sentence(Kind::missing, "'{}' cannot be the name of a store: {}; {}", shown, why, elsewhere);
}

StoreError no_such_store(const std::filesystem::path& file) {
    return sentence(Kind::missing, "there is no store {}; run an experiment first, or {}", file.string(), elsewhere);
}

StoreError taken_name(const std::filesystem::path& file) {
    return sentence(Kind::failed, "{} is there already and was left as it is; name a new file with --out",
                    file.string());
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
    return sentence(Kind::older,
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

bool is_lack_of_room(int error) { return error == ENOSPC || error == EDQUOT || error == EFBIG; }

StoreError full_disk(const std::filesystem::path& file, int error) {
    if (error == EFBIG)
        return sentence(Kind::full,
                        "no room for store {}: a file may not grow any further here (ulimit -f, or the disk's own "
                        "limit); raise that and give the same command again: what was recorded before is safe",
                        file.string());
    return sentence(Kind::full,
                    "no room on the disk of store {}{}; make some and give the same command again: what was recorded "
                    "before is safe",
                    file.string(), error == EDQUOT ? " (your quota is used up)" : "");
}

StoreError linked_store(const std::filesystem::path& file, std::uint64_t names) {
    return sentence(Kind::linked,
                    "store {0} has {1} names (hard links), and SQLite keeps its log beside the name it was opened by: "
                    "what is written under one would be missed, and lost, under another; find the others with `find "
                    "FOLDER -samefile {0}` and remove them, or make a copy in place of a link",
                    file.string(), names);
}

StoreError log_without_store(const std::filesystem::path& file) {
    return sentence(Kind::damaged,
                    "there is {0}-wal and no {0}: the store was moved or deleted without its log, which would be taken "
                    "for that of a new one; move the store back to it, or delete {0}-wal and {0}-shm",
                    file.string());
}

StoreError moved_store(const std::filesystem::path& file, const std::filesystem::path& rescued) {
    return sentence(Kind::moved,
                    "store {} was moved, deleted or replaced while it was written to; all that it held, and all that "
                    "is recorded from now on, is in {}",
                    file.string(), rescued.string());
}

StoreError lost_store(const std::filesystem::path& file, std::string_view why) {
    return sentence(Kind::moved,
                    "store {} was moved, deleted or replaced while it was written to, and what it held could not be "
                    "saved beside it ({})",
                    file.string(), why);
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
    if (primary == SQLITE_FULL || (disk && is_lack_of_room(error))) return full_disk(file, error);
    if (primary == SQLITE_TOOBIG)
        return sentence(Kind::too_large, "store {} takes no value of more than 1,000,000,000 bytes", file.string());
    // Our own statements are right: where one is refused, the file has not the tables or the values that it should.
    if (primary == SQLITE_CORRUPT || primary == SQLITE_NOTADB || primary == SQLITE_ERROR ||
        primary == SQLITE_MISMATCH || primary == SQLITE_CONSTRAINT)
        return damaged_store(file, message);
    if (primary == SQLITE_READONLY || primary == SQLITE_PERM) return unwritable_store(file, file, EROFS);
    if (primary == SQLITE_BUSY || primary == SQLITE_LOCKED)
        return sentence(Kind::locked,
                        "store {} stayed locked by another program; wait until that has ended, or end it, and give "
                        "the same command again",
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
