#include "kernel/host/data/unpack.h"

#include <archive.h>
#include <archive_entry.h>
#include <fmt/format.h>
#include <marginalia/error.h>

#include <array>
#include <cerrno>
#include <memory>
#include <vector>

#include "kernel/base/output_file.h"

namespace marginalia::data {
namespace {

constexpr std::size_t piece_bytes = 1 << 16;

struct Free {
    void operator()(archive* a) const { archive_read_free(a); }
};
using Archive = std::unique_ptr<archive, Free>;

// By name, as `support_filter_all` would also run programs.
Archive reader() {
    Archive a(archive_read_new());
    archive_read_support_filter_gzip(a.get());
    archive_read_support_filter_xz(a.get());
    archive_read_support_filter_lzma(a.get());
    archive_read_support_filter_bzip2(a.get());
    archive_read_support_filter_zstd(a.get());
    archive_read_support_format_raw(a.get());
    archive_read_support_format_empty(a.get());
    return a;
}

std::string reason(archive* a) {
    const char* text = archive_error_string(a);
    return text ? text : "it is damaged";
}

// A member of an archive, given to libarchive again for the compression of its own.
struct Member {
    archive* outer;
    std::vector<char> piece = std::vector<char>(piece_bytes);
};

la_ssize_t next_piece(archive* inner, void* client, const void** bytes) {
    auto& member = *static_cast<Member*>(client);
    const la_ssize_t got = archive_read_data(member.outer, member.piece.data(), member.piece.size());
    if (got < 0) archive_set_error(inner, EINVAL, "%s", reason(member.outer).c_str());
    *bytes = member.piece.data();
    return got < 0 ? ARCHIVE_FATAL : got;
}

void write_to(const Place& place, archive* from) {
    OutputFile out(place.file, "--to");
    std::vector<char> piece(piece_bytes);
    std::uint64_t written = 0;
    for (la_ssize_t got = 0; (got = archive_read_data(from, piece.data(), piece.size())) != 0;) {
        if (got < 0) throw Error(reason(from));
        written += static_cast<std::uint64_t>(got);
        if (written > place.most_bytes)
            throw Error(
                fmt::format("it is longer than the {} bytes of {}", place.most_bytes, place.file.filename().string()));
        out.stream().write(piece.data(), got);
    }
    out.commit();
}

void write_member(const Place& place, archive* outer) {
    const Archive inner = reader();
    Member member{outer};
    if (archive_read_open(inner.get(), &member, nullptr, next_piece, nullptr) != ARCHIVE_OK)
        throw Error(reason(inner.get()));
    archive_entry* entry = nullptr;
    const int state = archive_read_next_header(inner.get(), &entry);
    if (state == ARCHIVE_EOF) throw Error(fmt::format("{} in it is empty", place.file.filename().string()));
    if (state < ARCHIVE_WARN) throw Error(reason(inner.get()));
    write_to(place, inner.get());
}

void unpack_all(const std::filesystem::path& file, const Placer& placer) {
    const Archive a = reader();
    archive_read_support_format_zip(a.get());
    archive_read_support_format_tar(a.get());
    if (archive_read_open_filename(a.get(), file.c_str(), piece_bytes) != ARCHIVE_OK) throw Error(reason(a.get()));
    for (archive_entry* entry = nullptr;;) {
        const int state = archive_read_next_header(a.get(), &entry);
        if (state == ARCHIVE_EOF) return;
        if (state < ARCHIVE_WARN) throw Error(reason(a.get()));
        const bool alone = archive_format(a.get()) == ARCHIVE_FORMAT_RAW;  // no name of its own
        if (!alone && archive_entry_filetype(entry) != AE_IFREG) continue;
        const char* name = alone ? file.c_str() : archive_entry_pathname(entry);
        if (const std::optional<Place> place = placer(plain_name(name ? name : ""))) {
            if (alone) write_to(*place, a.get());
            else write_member(*place, a.get());
        }
    }
}

}  // namespace

std::string plain_name(std::string_view path) {
    path = path.substr(path.rfind('/') + 1);
    constexpr std::array<std::string_view, 7> suffixes = {".gz", ".xz", ".lzma", ".bz2", ".zst", ".zip", ".tar"};
    for (bool found = true; found;) {
        found = false;
        for (const std::string_view suffix : suffixes)
            if (path.size() > suffix.size() && path.ends_with(suffix)) path.remove_suffix(suffix.size()), found = true;
    }
    return std::string(path);
}

void unpack(const std::filesystem::path& file, const Placer& placer) {
    if (!std::filesystem::is_regular_file(file)) throw Error(file.string() + ": is not a file");
    if (std::filesystem::file_size(file) == 0) throw Error(file.string() + ": the file is empty");
    try {
        unpack_all(file, placer);
    } catch (const Error& error) {
        throw Error(fmt::format("{}: cannot be unpacked: {}", file.string(), error.what()));
    }
}

}  // namespace marginalia::data
