// What the store's tests share: a folder of their own, plans, and privileges put aside.
#pragma once

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>

#include "store/check.h"
#include "store/connection.h"
#include "store/error.h"
#include "store/store.h"

namespace marginalia::store {

struct TemporaryFolder {
    TemporaryFolder() {
        auto name = (std::filesystem::temp_directory_path() / "marginalia-store-XXXXXX").string();
        REQUIRE(mkdtemp(name.data()) != nullptr);
        path = name;
        std::filesystem::permissions(path, std::filesystem::perms(0755));
    }
    ~TemporaryFolder() {
        std::error_code ignored;
        std::filesystem::permissions(path, std::filesystem::perms(0755), ignored);
        std::filesystem::remove_all(path, ignored);
    }
    std::filesystem::path operator/(const std::string& name) const { return path / name; }
    std::vector<std::string> files() const {
        std::vector<std::string> names;
        for (const auto& entry : std::filesystem::directory_iterator(path)) names.push_back(entry.path().filename());
        std::ranges::sort(names);
        return names;
    }
    std::filesystem::path path;
};

inline PlannedSweep plan(const std::string& experiment, int configs, int seeds = 1) {
    PlannedSweep sweep{
        experiment, "a test", "/here/" + experiment + ".toml", "name = \"" + experiment + "\"\n", R"({"commit":"abc"})",
        {}};
    for (int c = 0; c < configs; ++c)
        for (int s = 0; s < seeds; ++s)
            sweep.trials.push_back(
                {fmt::format(R"({{"energy":{{"plugin":"ising","rows":10}},"train":{{"rate":{}}}}})", c),
                 fmt::format("{:04x}beef{:08x}", c, c), s});
    return sweep;
}

inline std::string text_of(Store& store, const std::string& sql) {
    Rows rows(store.connection(), sql);
    return rows.next() ? rows.text(0) : "(no row)";
}

inline double number_of(Store& store, const std::string& sql) {
    Rows rows(store.connection(), sql);
    return rows.next() ? rows.real(0) : -999;
}

// The sentence of the StoreError that `body` throws, and its kind.
struct Refusal {
    std::string sentence = "(nothing was thrown)";
    StoreError::Kind kind{};
};
inline Refusal refusal(const std::function<void()>& body) {
    try {
        body();
    } catch (const StoreError& error) {
        return {error.what(), error.kind()};
    }
    return {};
}

// Root ignores permissions: become nobody in this scope.
class WithoutPrivileges {
public:
    WithoutPrivileges() : was_root_(geteuid() == 0) {
        if (was_root_) REQUIRE(setresuid(65534, 65534, 0) == 0);
    }
    ~WithoutPrivileges() {
        if (was_root_ && setresuid(0, 0, 0) != 0) std::abort();
    }

private:
    bool was_root_;
};

// Runs `body` in a child process; true if it returned true.
inline bool in_child(const std::function<bool()>& body) {
    const pid_t child = fork();
    if (child == 0) {
        bool good = false;
        try {
            good = body();
        } catch (const std::exception& error) {
            fmt::print(stderr, "in the child: {}\n", error.what());
        }
        std::fflush(stderr);
        _exit(good ? 0 : 1);
    }
    int status = 0;
    waitpid(child, &status, 0);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

// In a child process of its own mount namespace: a small memory filesystem at `folder`. False where not allowed.
inline bool mount_small_disk(const std::filesystem::path& folder, const std::string& options) {
    return unshare(CLONE_NEWNS) == 0 && mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
           mount("none", folder.c_str(), "tmpfs", 0, options.c_str()) == 0;
}

inline bool may_mount() {
    return in_child(
        [] { return unshare(CLONE_NEWNS) == 0 && mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0; });
}

}  // namespace marginalia::store
