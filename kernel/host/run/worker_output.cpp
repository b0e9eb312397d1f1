#include "kernel/host/run/worker_output.h"

#include <fcntl.h>
#include <marginalia/error.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

namespace marginalia {
namespace {

constexpr int pipe_bytes = 1 << 20;  // where allowed: a plugin that prints much waits for us less often

}  // namespace

WorkerOutput::WorkerOutput() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0)
        throw Error(std::string("a pipe to a worker cannot be made: ") + std::strerror(errno) +
                    (errno == EMFILE || errno == ENFILE ? "; raise the limit of open files (ulimit -n)" : ""));
    read_ = ends[0];
    write_ = ends[1];
    ::fcntl(write_, F_SETPIPE_SZ, pipe_bytes);
    ::fcntl(read_, F_SETFL, O_NONBLOCK);
}

WorkerOutput::~WorkerOutput() {
    close_write_end();
    if (read_ >= 0) ::close(read_);
}

void WorkerOutput::close_write_end() {
    if (write_ >= 0) ::close(std::exchange(write_, -1));
}

bool WorkerOutput::take() {
    std::array<char, 64 << 10> bytes;
    if (read_ < 0) return false;
    const long got = ::read(read_, bytes.data(), bytes.size());
    if (got == 0) ::close(std::exchange(read_, -1));  // nobody is left to write
    if (got <= 0) return false;
    kept_.append(bytes.data(), static_cast<std::size_t>(got));
    size_ += got;
    if (kept_.size() > 2 * most_kept) kept_.erase(0, kept_.size() - most_kept);
    return true;
}

void WorkerOutput::take_rest() {
    const std::int64_t before = size_;
    while (size_ - before < pipe_bytes && take()) {
    }
}

std::string WorkerOutput::since(std::int64_t place, std::size_t most) const {
    const auto wanted = static_cast<std::size_t>(std::max<std::int64_t>(0, size_ - place));
    return kept_.substr(kept_.size() - std::min({wanted, most, most_kept, kept_.size()}));
}

}  // namespace marginalia
