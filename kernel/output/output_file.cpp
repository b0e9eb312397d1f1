#include "kernel/output/output_file.h"

#include <marginalia/error.h>

#include <array>
#include <csignal>
#include <cstring>

#include <unistd.h>

namespace marginalia {
namespace {

// Of the process, as a signal handler is given nothing else; a plain buffer, as it may call little.
std::array<char, 4096> unfinished{};

void remove_and_end(int signal) {
    ::unlink(unfinished.data());
    ::signal(signal, SIG_DFL);
    ::raise(signal);
}

void watch_signals(const std::string& path) {
    if (path.size() >= unfinished.size()) return;
    std::memcpy(unfinished.data(), path.c_str(), path.size() + 1);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP})
        if (::signal(signal, remove_and_end) == SIG_IGN) ::signal(signal, SIG_IGN);  // as under nohup
}

void leave_signals() {
    for (const int signal : {SIGINT, SIGTERM, SIGHUP})
        if (::signal(signal, SIG_DFL) == SIG_IGN) ::signal(signal, SIG_IGN);
    unfinished[0] = '\0';
}

}  // namespace

OutputFile::OutputFile(std::filesystem::path file) : file_(std::move(file)) {
    std::error_code ignored;
    const std::filesystem::path folder = file_.has_parent_path() ? file_.parent_path() : ".";
    if (!std::filesystem::is_directory(folder, ignored))
        throw Error("the folder " + folder.string() + " does not exist; make it, or choose another place with --out");
    if (std::filesystem::exists(file_, ignored) && !std::filesystem::is_regular_file(file_, ignored))
        throw Error(file_.string() + " is no regular file and is not replaced; choose another name with --out");
    beside_ = file_;
    beside_ += "." + std::to_string(::getpid()) + ".part";
    watch_signals(beside_.string());
    stream_.open(beside_, std::ios::binary | std::ios::trunc);
    if (stream_) return;
    leave_signals();
    throw Error("cannot write " + file_.string() + "; choose another place with --out");
}

OutputFile::~OutputFile() {
    std::error_code ignored;
    if (!beside_.empty()) std::filesystem::remove(beside_, ignored);
    leave_signals();
}

void OutputFile::commit() {
    stream_.close();
    std::error_code failure;
    if (stream_) std::filesystem::rename(beside_, file_, failure);
    if (!stream_ || failure)
        throw Error("cannot write " + file_.string() + "; choose another place with --out, or make room on the disk");
    beside_.clear();
}

}  // namespace marginalia
