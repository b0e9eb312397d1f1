#include "store/place.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <thread>
#include <vector>

#include "store/sentences.h"

namespace marginalia::store {

namespace fs = std::filesystem;

namespace {

using Header = std::array<unsigned char, 100>;

std::uint32_t big_endian(const Header& header, std::size_t at) {
    return std::uint32_t{header[at]} << 24 | std::uint32_t{header[at + 1]} << 16 | std::uint32_t{header[at + 2]} << 8 |
           std::uint32_t{header[at + 3]};
}

// Offsets of https://www.sqlite.org/fileformat2.html#the_database_header
std::uint64_t pages_in(const Header& header) { return big_endian(header, 28); }
std::uint32_t application_in(const Header& header) { return big_endian(header, 68); }
std::uint64_t page_size_in(const Header& header) {
    const unsigned size = header[16] << 8 | header[17];
    return size == 1 ? 65536 : size;
}

// The beginning of a file, read by SQLite. When any descriptor of a file is closed, its locks go for all of the
// process; SQLite alone knows of those that connections hold, and closes its own later.
std::size_t read_header(const fs::path& file, Header& header) {
    sqlite3_vfs* system = sqlite3_vfs_find(nullptr);
    std::vector<std::max_align_t> memory(static_cast<std::size_t>(system->szOsFile) / sizeof(std::max_align_t) + 1);
    auto* opened = reinterpret_cast<sqlite3_file*>(memory.data());
    const char* name = sqlite3_create_filename(fs::canonical(file).c_str(), "", "", 0, nullptr);
    int code = system->xOpen(system, name, opened, SQLITE_OPEN_READONLY | SQLITE_OPEN_MAIN_DB, nullptr);
    const int reason = errno;
    sqlite3_int64 size = 0;
    if (code == SQLITE_OK) code = opened->pMethods->xFileSize(opened, &size);
    size = std::min<sqlite3_int64>(size, header.size());
    if (code == SQLITE_OK) code = opened->pMethods->xRead(opened, header.data(), static_cast<int>(size), 0);
    if (opened->pMethods) opened->pMethods->xClose(opened);
    sqlite3_free_filename(name);
    if (code != SQLITE_OK) throw sqlite_failure(file, code, "unable to open database file", reason);
    return static_cast<std::size_t>(size);
}

// With a log beside it a file may rightly be shorter than its header says: the rest is in the log.
bool has_log(const fs::path& file) {
    std::error_code ignored;
    const auto size = fs::file_size(file.string() + "-wal", ignored);
    return !ignored && size > 0;
}

// Of the file that the path leads to; 0: there is none.
std::uint64_t names_of(const fs::path& file) {
    struct stat found{};
    return stat(file.c_str(), &found) == 0 ? found.st_nlink : 0;
}

// A store that another process is putting in place may have two names for a moment, see schema.cpp.
void check_has_one_name(const fs::path& file) {
    constexpr int tries = 10;
    for (int i = 1; names_of(file) > 1; ++i) {
        if (i == tries) throw linked_store(file, names_of(file));
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
}

bool can_write(const fs::path& path, int how) { return faccessat(AT_FDCWD, path.c_str(), how, AT_EACCESS) == 0; }

std::string uri(const fs::path& file, std::string_view how) {
    std::string uri = "file:";
    for (const char c : fs::absolute(file).string()) {
        if (c == '?') uri += "%3f";
        else if (c == '#') uri += "%23";
        else if (c == '%') uri += "%25";
        else uri += c;
    }
    return uri.append("?").append(how);
}

}  // namespace

std::uint64_t filesystem_type(const fs::path& folder) {
    struct statfs found{};
    return statfs(folder.c_str(), &found) == 0 ? static_cast<std::uint32_t>(found.f_type) : 0;
}

std::string_view network_filesystem_name(std::uint64_t type) {
    switch (type) {
        case 0x6969: return "nfs";
        case 0xff534d42: return "cifs";
        case 0xfe534d42: return "smb2";
        case 0x517b: return "smb";
        case 0x5346414f: return "afs";
        case 0x6b414653: return "kafs";
        case 0x00c36400: return "ceph";
        case 0x73757245: return "coda";
        case 0x0bd00bd0: return "lustre";
        case 0x47504653: return "gpfs";
        case 0x19830326: return "beegfs";
        case 0xaad7aaea: return "panfs";
        case 0x564c: return "ncp";
        default: return {};
    }
}

fs::path folder_of(const fs::path& file) { return file.has_parent_path() ? file.parent_path() : fs::path("."); }

void check_name(const fs::path& file) {
    constexpr std::size_t most_name = 200,
                          most_path = 3800;  // of 255 and 4095; SQLite's files beside it have longer names
    const std::string text = file.string();
    if (!file.has_filename()) throw no_file_named(file);
    for (const unsigned char c : text)
        if (c < 0x20 || c == 0x7F) throw misleading_name(file, "it holds a control character");
    if (text.starts_with(':') || text.starts_with("file:"))
        throw misleading_name(file, "SQLite would take it for something else than a file's name");
    if (file.filename().string().size() > most_name || text.size() > most_path)
        throw misleading_name(file, "it is too long");
}

void check_place_to_write(const fs::path& file, const FilesystemType& type) {
    check_name(file);
    const auto folder = folder_of(file);
    if (!fs::is_directory(folder)) throw no_such_folder(file, folder);
    if (const auto network = network_filesystem_name(type(folder)); !network.empty())
        throw network_store(file, network);
    if (fs::exists(file) && !can_write(file, W_OK)) throw unwritable_store(file, file, errno);
    check_has_one_name(file);
    if (!fs::exists(file) && has_log(file)) throw log_without_store(file);
    // The write-ahead log lies beside the file.
    if (!can_write(folder, W_OK | X_OK)) throw unwritable_store(file, folder, errno);
}

void check_is_store(const fs::path& file) {
    if (fs::is_directory(file)) throw not_a_store(file, "a folder");
    if (!fs::is_regular_file(file)) throw not_a_store(file, "no regular file");
    Header header{};
    const std::size_t size = read_header(file, header);
    if (size == 0) throw not_a_store(file, "an empty file");
    constexpr std::string_view magic("SQLite format 3\0", 16);
    if (!std::equal(magic.begin(), magic.end(), reinterpret_cast<const char*>(header.data())))
        throw not_a_store(file, "a file of another kind");
    if (size < header.size()) throw damaged_store(file, "its header is cut off");
    if (application_in(header) != application_id) throw not_a_store(file, "another program's SQLite database");
    if (!has_log(file) && fs::file_size(file) < pages_in(header) * page_size_in(header))
        throw damaged_store(file, "its end is missing");
}

Rest rest_of(const fs::path& file) {
    if (has_log(file)) return Rest::in_use;
    const auto folder = folder_of(file);
    const bool writable = can_write(file, W_OK) && can_write(folder, W_OK | X_OK);
    return writable && network_filesystem_name(filesystem_type(folder)).empty() ? Rest::writable : Rest::read_only;
}

std::string immutable_uri(const fs::path& file) { return uri(file, "immutable=1"); }
std::string read_only_uri(const fs::path& file) { return uri(file, "mode=ro"); }

}  // namespace marginalia::store
