#include "kernel/base/own_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>

namespace marginalia {

std::optional<std::string> read_own_file(const std::filesystem::path& file, mode_t forbidden, std::size_t most) {
    const int descriptor = ::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    if (descriptor < 0) return std::nullopt;
    std::optional<std::string> text;
    struct stat found{};
    if (::fstat(descriptor, &found) == 0 && S_ISREG(found.st_mode) && found.st_uid == ::geteuid() &&
        (found.st_mode & forbidden) == 0 && static_cast<std::size_t>(found.st_size) <= most) {
        text.emplace(static_cast<std::size_t>(found.st_size), '\0');
        std::size_t held = 0;
        for (ssize_t got = 1; got > 0 && held < text->size(); held += got > 0 ? static_cast<std::size_t>(got) : 0)
            got = ::read(descriptor, text->data() + held, text->size() - held);
        text->resize(held);
    }
    ::close(descriptor);
    return text;
}

std::filesystem::path user_cache_folder() {
    const char *cache = std::getenv("XDG_CACHE_HOME"), *home = std::getenv("HOME");
    if (cache && *cache == '/') return std::filesystem::path(cache) / "marginalia";
    if (home && *home) return std::filesystem::path(home) / ".cache" / "marginalia";
    return {};
}

}  // namespace marginalia
