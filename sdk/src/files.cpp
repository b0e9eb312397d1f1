#include <fcntl.h>
#include <marginalia/files.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace marginalia {
namespace {

constexpr std::size_t piece_bytes = std::size_t{1} << 18;

std::string size_text(std::uint64_t bytes) {
    return bytes >> 20 > 0 ? std::to_string(bytes >> 20) + " MiB" : std::to_string(bytes) + " bytes";
}

// Without waiting for a writer, as an open of a FIFO would.
int open_plain(const std::string& path, std::uint64_t& size) {
    if (path.find('\0') != path.npos) throw unreadable(visible(path, 200), "its name holds a zero byte");
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (descriptor < 0) throw unreadable(path, std::strerror(errno));
    struct stat facts;
    const bool known = ::fstat(descriptor, &facts) == 0;
    if (known && S_ISREG(facts.st_mode)) {
        size = static_cast<std::uint64_t>(facts.st_size);
        return descriptor;
    }
    const std::string reason = !known                    ? std::strerror(errno)
                               : S_ISDIR(facts.st_mode)  ? "it is a folder"
                               : S_ISFIFO(facts.st_mode) ? "it is a pipe"
                               : S_ISSOCK(facts.st_mode) ? "it is a socket"
                                                         : "it is a device";
    ::close(descriptor);
    throw unreadable(path, reason);
}

}  // namespace

Error unreadable(const std::string& path, const std::string& reason) {
    return Error(path + ": cannot be read: " + reason + "; give the path of a readable file");
}

bool has_ending(std::string_view path, std::string_view ending) {
    const auto same = [](char b, char a) { return (a >= 'A' && a <= 'Z' ? static_cast<char>(a - 'A' + 'a') : a) == b; };
    return path.size() >= ending.size() &&
           std::equal(ending.begin(), ending.end(), path.end() - static_cast<std::ptrdiff_t>(ending.size()), same);
}

struct FileReader::Open {
    int descriptor = -1;
    std::uint64_t size = 0;
    bool packed = false;
    gzFile gz = nullptr;
};

FileReader::FileReader(std::string path) : path_(std::move(path)), open_(std::make_unique<Open>()) {
    open_->descriptor = open_plain(path_, open_->size);
    unsigned char magic[2] = {};
    open_->packed = ::pread(open_->descriptor, magic, 2, 0) == 2 && magic[0] == 0x1F && magic[1] == 0x8B;
    if (!open_->packed) return;
    open_->gz = ::gzdopen(open_->descriptor, "rb");
    if (open_->gz) return;
    ::close(open_->descriptor);
    throw unreadable(path_, "there is no memory to unpack it");
}

FileReader::~FileReader() {
    if (open_->gz) ::gzclose(open_->gz);  // closes the descriptor
    else ::close(open_->descriptor);
}

bool FileReader::packed() const { return open_->packed; }
std::uint64_t FileReader::size() const { return open_->size; }

std::size_t FileReader::read(char* to, std::size_t most) {
    most = std::min(most, std::size_t{1} << 30);
    if (!open_->packed) {
        for (;;) {
            const ssize_t got = ::read(open_->descriptor, to, most);
            if (got >= 0) return static_cast<std::size_t>(got);
            if (errno != EINTR) throw unreadable(path_, std::strerror(errno));
        }
    }
    const int got = ::gzread(open_->gz, to, static_cast<unsigned>(most));
    int error = Z_OK;
    const char* const words = ::gzerror(open_->gz, &error);
    if (got < 0 || (error != Z_OK && error != Z_STREAM_END))
        throw unreadable(path_, "it is packed by gzip and damaged or cut short (" +
                                    std::string(error == Z_ERRNO ? std::strerror(errno) : words) + ")");
    return static_cast<std::size_t>(got);
}

void FileReader::read_at(std::uint64_t offset, char* to, std::size_t count) {
    while (count > 0) {
        const ssize_t got = ::pread(open_->descriptor, to, count, static_cast<off_t>(offset));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) throw unreadable(path_, std::strerror(errno));
        if (got == 0) throw unreadable(path_, "it became shorter while it was read");
        to += got, offset += static_cast<std::uint64_t>(got), count -= static_cast<std::size_t>(got);
    }
}

std::string file_contents(const std::string& path, std::uint64_t most) {
    FileReader file(path);
    std::string bytes;
    if (!file.packed()) bytes.reserve(std::min(file.size(), std::min(most, most_file_bytes)));
    std::size_t have = 0;
    while (have < most) {
        // One piece more than the file has, so that its end is seen without another copy.
        bytes.resize(have + std::min<std::uint64_t>(piece_bytes, most - have));
        const std::size_t got = file.read(bytes.data() + have, bytes.size() - have);
        bytes.resize(have += got);
        if (got == 0) break;
        if (have > most_file_bytes)
            throw unreadable(path, "it has more than " + size_text(most_file_bytes) +
                                       (file.packed() ? " once it is unpacked" : "") + ", the most that is read");
    }
    return bytes;
}

}  // namespace marginalia
