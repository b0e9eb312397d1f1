#include "kernel/host/data/folder_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>

namespace marginalia::data {

FolderLock::FolderLock(const std::filesystem::path& folder, std::ostream& words)
    // No O_CLOEXEC: programs started here share the lock.
    : descriptor_(::open(folder.c_str(), O_RDONLY | O_DIRECTORY)) {
    if (::flock(descriptor_, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK) return;
    words << "waiting for another process that gets data into " << folder.string() << std::endl;
    while (::flock(descriptor_, LOCK_EX) != 0 && errno == EINTR) {
    }
}

FolderLock::~FolderLock() { ::close(descriptor_); }

}  // namespace marginalia::data
