#include "store/run_lock.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <string_view>
#include <utility>

#include "store/place.h"

namespace marginalia::store {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t name_digits = 16;

std::string lock_prefix(const fs::path& store) { return store.string() + "-run-"; }

// A name may come from a store that somebody else made: it must not lead elsewhere.
bool is_lock_name(std::string_view name) {
    return name.size() == name_digits && name.find_first_not_of("0123456789abcdef") == name.npos;
}

// A store may have several names by way of symbolic links, its locks lie beside the file itself.
fs::path file_itself(const fs::path& store) {
    std::error_code failed;
    const auto file = fs::canonical(store, failed);
    return failed ? fs::absolute(store) : file;
}

std::string random_name() {
    std::uint64_t number = 0;
    return ::getrandom(&number, sizeof number, 0) == sizeof number ? fmt::format("{:016x}", number) : std::string();
}

bool is_gone(int descriptor) {
    struct stat found{};
    return ::fstat(descriptor, &found) != 0 || found.st_nlink == 0;
}

// A lock is one of a regular file and never waited for; -1 with errno: not opened, or held.
int open_locked(const fs::path& file, int flags, int lock) {
    const int descriptor = ::open(file.c_str(), flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0644);
    if (descriptor < 0) return -1;
    if (::flock(descriptor, lock | LOCK_NB) == 0) return descriptor;
    const int error = errno;
    ::close(descriptor);
    errno = error;
    return -1;
}

}  // namespace

RunLock::RunLock(const fs::path& store) {
    constexpr int tries = 5;
    const auto prefix = lock_prefix(file_itself(store));
    for (int i = 0; i < tries && descriptor_ < 0; ++i) {
        const auto name = random_name();
        if (name.empty()) return;
        fs::path file = prefix + name;
        const int descriptor = open_locked(file, O_RDWR | O_CREAT | O_EXCL, LOCK_EX);
        if (descriptor < 0) continue;
        // Between its making and its locking another process may have taken it for one that was left behind.
        if (is_gone(descriptor)) {
            ::close(descriptor);
            continue;
        }
        descriptor_ = descriptor, name_ = name, file_ = std::move(file);
    }
}

RunLock::~RunLock() {
    if (descriptor_ < 0) return;
    ::unlink(file_.c_str());
    ::close(descriptor_);
}

Held run_lock_held(const fs::path& store, const std::string& name) {
    if (!is_lock_name(name)) return Held::unknown;
    const int descriptor = open_locked(lock_prefix(file_itself(store)) + name, O_RDONLY, LOCK_SH);
    if (descriptor < 0) return errno == EWOULDBLOCK ? Held::yes : Held::unknown;
    ::close(descriptor);
    return Held::no;
}

void remove_free_run_locks(const fs::path& store) {
    const auto itself = file_itself(store);
    const auto prefix = lock_prefix(itself);
    std::error_code failed;
    for (fs::directory_iterator entry(folder_of(itself), failed), end; !failed && entry != end;
         entry.increment(failed)) {
        const auto file = entry->path().string();
        if (!file.starts_with(prefix) || !is_lock_name(std::string_view(file).substr(prefix.size()))) continue;
        const int descriptor = open_locked(file, O_RDONLY, LOCK_EX);
        if (descriptor < 0) continue;
        ::unlink(file.c_str());
        ::close(descriptor);
    }
}

}  // namespace marginalia::store
