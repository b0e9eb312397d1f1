// The locks of a process on a store, which closing any descriptor of the file would take away.
#include <fcntl.h>

#include "tests/store/store_testing.h"

using namespace marginalia::store;

namespace {

// Asked by a process of its own, as one's own locks are never in one's way.
bool others_see_a_lock(const std::filesystem::path& file) {
    const pid_t child = fork();
    if (child == 0) {
        constexpr off_t shared_bytes = 0x40000002,
                        shared_size = 510;  // SQLite's, https://www.sqlite.org/lockingv3.html
        struct flock lock{.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = shared_bytes, .l_len = shared_size};
        const int descriptor = open(file.c_str(), O_RDWR | O_CLOEXEC);
        _exit(descriptor >= 0 && fcntl(descriptor, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK ? 1 : 0);
    }
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    return WIFEXITED(status) && WEXITSTATUS(status) == 1;
}

}  // namespace

TEST_CASE("a store that is open stays locked while the same process opens it again and closes it") {
    const TemporaryFolder folder;
    const auto file = folder / "a.db";
    CHECK_NOTHROW(Store::open(file));
    CHECK_FALSE(others_see_a_lock(file));
    Store reader = Store::open_to_read(file);
    CHECK(number_of(reader, "SELECT count(*) FROM trial") == 0);
    CHECK(others_see_a_lock(file));
    for (int i = 0; i < 3; ++i) CHECK_NOTHROW(Store::open_to_read(file));
    CHECK_NOTHROW(Store::open(file));
    CHECK(others_see_a_lock(file));
}
