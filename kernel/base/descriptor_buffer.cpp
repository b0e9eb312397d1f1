#include "kernel/base/descriptor_buffer.h"

#include <pthread.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <system_error>

namespace marginalia {
namespace {

constexpr std::size_t buffer_bytes = 1 << 16;

// As a program ends that left SIGPIPE alone. The signal may be ignored (workers need that) or blocked.
[[noreturn]] void end_by_broken_pipe() {
    ::signal(SIGPIPE, SIG_DFL);
    sigset_t pipe;
    ::sigemptyset(&pipe);
    ::sigaddset(&pipe, SIGPIPE);
    ::pthread_sigmask(SIG_UNBLOCK, &pipe, nullptr);
    ::raise(SIGPIPE);
    ::_exit(128 + SIGPIPE);
}

}  // namespace

std::string write_failure(const std::string& name, int error, const std::string& elsewhere) {
    const bool full = error == ENOSPC || error == EDQUOT;
    return name + " cannot be written: " + std::generic_category().message(error) +
           (full ? "; make room on the disk" : "") + (elsewhere.empty() ? "" : (full ? ", or " : "; ") + elsewhere);
}

DescriptorBuffer::DescriptorBuffer(int descriptor, std::string name, std::string elsewhere, bool ends_quietly)
    : descriptor_(descriptor), name_(std::move(name)), elsewhere_(std::move(elsewhere)), ends_quietly_(ends_quietly),
      buffer_(buffer_bytes) {
    setp(buffer_.data(), buffer_.data() + buffer_.size());
}

std::string DescriptorBuffer::failure() const { return write_failure(name_, error_, elsewhere_); }

void DescriptorBuffer::fail(int error) {
    if (error == EPIPE && ends_quietly_) end_by_broken_pipe();
    if (error_ == 0) error_ = error;
    setp(buffer_.data(), buffer_.data() + buffer_.size());  // what cannot be written is not tried again
    throw WriteError(failure());
}

void DescriptorBuffer::write_out(const char* bytes, std::size_t size) {
    if (error_ != 0) fail(error_);
    while (size > 0) {
        const ssize_t written = ::write(descriptor_, bytes, size);
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) fail(errno);
        bytes += written;
        size -= static_cast<std::size_t>(written);
    }
}

void DescriptorBuffer::drain() {
    write_out(pbase(), static_cast<std::size_t>(pptr() - pbase()));
    setp(buffer_.data(), buffer_.data() + buffer_.size());
}

DescriptorBuffer::int_type DescriptorBuffer::overflow(int_type c) {
    drain();
    if (!traits_type::eq_int_type(c, traits_type::eof())) sputc(traits_type::to_char_type(c));
    return traits_type::not_eof(c);
}

std::streamsize DescriptorBuffer::xsputn(const char* text, std::streamsize size) {
    if (size >= epptr() - pptr()) drain();
    if (size >= epptr() - pptr()) {
        write_out(text, static_cast<std::size_t>(size));
    } else {
        traits_type::copy(pptr(), text, static_cast<std::size_t>(size));
        pbump(static_cast<int>(size));
    }
    return size;
}

int DescriptorBuffer::sync() {
    drain();
    return 0;
}

DescriptorBuffer::pos_type DescriptorBuffer::seekoff(off_type offset, std::ios_base::seekdir from,
                                                     std::ios_base::openmode) {
    drain();
    const int whence = from == std::ios_base::beg ? SEEK_SET : from == std::ios_base::end ? SEEK_END : SEEK_CUR;
    return pos_type(::lseek(descriptor_, offset, whence));
}

DescriptorBuffer::pos_type DescriptorBuffer::seekpos(pos_type place, std::ios_base::openmode which) {
    return seekoff(off_type(place), std::ios_base::beg, which);
}

}  // namespace marginalia
