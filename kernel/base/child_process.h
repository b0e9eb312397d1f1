// Starting other programs: workers, git, curl.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace marginalia {

inline constexpr int null_device = -1;  // in place of a descriptor of ours

struct ChildProcess {
    std::vector<std::string> command;              // the program, found in PATH unless it has a '/', and its arguments
    std::vector<std::pair<int, int>> descriptors;  // {ours or null_device, the child's}; its standard input is empty
    std::filesystem::path folder = {};             // "": that of this process
    std::vector<std::string> environment = {};     // "NAME=value"; empty: that of this process
    // Leads a process group, so that a terminal's Ctrl-C does not reach it and what it starts can be ended with it; no
    // signal is blocked in it.
    bool leads_group = false;
};

// Words or an environment as exec takes them; they stay the texts'.
std::vector<char*> exec_pointers(const std::vector<std::string>& texts);

// Its process number, or -errno where it cannot be started. May be called from any thread.
pid_t start_child(const ChildProcess& child);

// Waits for its end: its exit code, or 128 + the signal that ended it.
int exit_code_of(pid_t child);

// How a program ended and what it said on standard output and, if `with_errors`, error output, cut at `most` bytes. May
// be called from any thread.
struct ChildAnswer {
    int code = 0;  // as of exit_code_of
    std::string words;
};
inline constexpr int not_started = 127;  // as a shell has it
ChildAnswer answer_of(std::vector<std::string> command, std::vector<std::string> environment = {},
                      std::size_t most = 1 << 20, bool with_errors = true);

// The same of a child whose other descriptors are said; its error output goes where they say unless `with_errors`.
ChildAnswer answer_of(ChildProcess child, std::size_t most, bool with_errors);

// Standard output of a program, cut at `most` bytes; nullopt if it is not there or fails. Its error output is dropped;
// its environment is as in ChildProcess. May be called from any thread.
std::optional<std::string> output_of(std::vector<std::string> command, std::vector<std::string> environment = {},
                                     std::size_t most = 1 << 20);

}  // namespace marginalia
