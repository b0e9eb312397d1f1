#include "kernel/host/run/live_runs.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>

namespace marginalia {
namespace {

namespace fs = std::filesystem;

constexpr const char* prefix = "run-";
constexpr int most_counted = 1000;  // files looked at

fs::path folder_of_user() {
    if (const char* runtime = std::getenv("XDG_RUNTIME_DIR"); runtime && *runtime == '/')
        return fs::path(runtime) / "marginalia";
    return "/tmp/marginalia-" + std::to_string(::geteuid());
}

// Ours and nobody else's, made if it is not there: in /tmp somebody else may have been quicker.
bool is_ours(const fs::path& folder) {
    ::mkdir(folder.c_str(), 0700);
    struct stat found{};
    return ::lstat(folder.c_str(), &found) == 0 && S_ISDIR(found.st_mode) && found.st_uid == ::geteuid() &&
           (found.st_mode & 022) == 0;
}

}  // namespace

LiveRun::LiveRun() : LiveRun(folder_of_user()) {}

LiveRun::LiveRun(const fs::path& folder) {
    if (!is_ours(folder)) return;
    folder_ = folder;
    std::string name =
        (folder / (std::string(prefix) + "XXXXXX")).string();  // no process number: namespaces share the folder
    descriptor_ = ::mkostemp(name.data(), O_CLOEXEC);
    if (descriptor_ < 0) return;
    file_ = name;
    ::flock(descriptor_, LOCK_EX | LOCK_NB);
}

LiveRun::~LiveRun() {
    if (descriptor_ < 0) return;
    ::unlink(file_.c_str());
    ::close(descriptor_);
}

// A file that nobody holds a lock on is left over from a run that was killed.
int LiveRun::others() const {
    int count = 0, looked = 0;
    std::error_code error;
    if (folder_.empty()) return 0;
    for (fs::directory_iterator entry(folder_, error), end; !error && entry != end && ++looked < most_counted;
         entry.increment(error)) {
        if (entry->path() == file_ || !entry->path().filename().string().starts_with(prefix)) continue;
        const int other = ::open(entry->path().c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
        if (other < 0) continue;
        if (::flock(other, LOCK_SH | LOCK_NB) != 0) ++count;
        else ::unlink(entry->path().c_str());
        ::close(other);
    }
    return count;
}

}  // namespace marginalia
