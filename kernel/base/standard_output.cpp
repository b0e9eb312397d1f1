#include "kernel/base/standard_output.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <iostream>

namespace marginalia {
namespace {

// Standard output is opened for reading, so that a write fails as it would have. Each open takes the lowest number that
// is free.
void occupy_closed_descriptors() {
    for (const int descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
        if (::fcntl(descriptor, F_GETFD) < 0 && errno == EBADF &&
            ::open("/dev/null", descriptor == STDERR_FILENO ? O_WRONLY : O_RDONLY) < 0)
            return;
}

}  // namespace

StandardOutput::StandardOutput()
    : buffer_((occupy_closed_descriptors(), STDOUT_FILENO), "standard output", "", true),
      before_(std::cout.rdbuf(&buffer_)) {
    ::signal(SIGXFSZ, SIG_IGN);
    std::cout.exceptions(std::ios::badbit);
    std::cerr.tie(&quiet_);
}

StandardOutput::~StandardOutput() {
    std::cout.exceptions(std::ios::goodbit);
    std::cout.rdbuf(before_);
    std::cerr.tie(&std::cout);
}

int StandardOutput::finish(int code, std::string_view program) noexcept {
    std::string sentence;
    try {
        std::cout.flush();
        // C's own buffer is a plugin's or a library's, and rarely in use.
        errno = 0;
        if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0)
            sentence = write_failure("standard output", errno != 0 ? errno : EIO, "");
    } catch (const std::exception&) {
    }
    if (failed()) sentence = buffer_.failure();
    if (sentence.empty()) return code;
    std::cerr << program << ": " << sentence << std::endl;
    return exit_unwritten;
}

void refuse_terminal(std::string_view what) {
    if (::isatty(STDOUT_FILENO) != 0)
        throw Error(std::string(what) + " is not text for a terminal; name a file with --out, or send it into a pipe");
}

}  // namespace marginalia
