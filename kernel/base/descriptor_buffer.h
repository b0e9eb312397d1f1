// A stream's buffer over a file descriptor that says why a write failed.
#pragma once

#include <marginalia/error.h>

#include <streambuf>
#include <string>
#include <vector>

namespace marginalia {

// What was asked for could not be written: a full disk, a device that refuses. Programs end with exit_unwritten.
class WriteError : public Error {
public:
    using Error::Error;
};

inline constexpr int exit_unwritten = 6;

// "NAME cannot be written: REASON; what to do". `elsewhere` is the remedy where it is not the disk that is full.
std::string write_failure(const std::string& name, int error, const std::string& elsewhere);

// Writes to a descriptor that it does not own. The first write that fails throws WriteError with errno's reason, and so
// does every later one; a stream with exceptions(std::ios::badbit) hands that on. One thread.
class DescriptorBuffer final : public std::streambuf {
public:
    // `ends_quietly`: nobody reads any more (EPIPE) ends the process as SIGPIPE does, whatever that signal is set to.
    DescriptorBuffer(int descriptor, std::string name, std::string elsewhere, bool ends_quietly = false);

    bool failed() const { return error_ != 0; }
    std::string failure() const;  // the sentence of the first failure

protected:
    int_type overflow(int_type c) override;
    std::streamsize xsputn(const char* text, std::streamsize size) override;
    int sync() override;
    pos_type seekoff(off_type offset, std::ios_base::seekdir from, std::ios_base::openmode which) override;
    pos_type seekpos(pos_type place, std::ios_base::openmode which) override;

private:
    void drain();
    void write_out(const char* bytes, std::size_t size);
    [[noreturn]] void fail(int error);

    const int descriptor_;
    const std::string name_, elsewhere_;
    const bool ends_quietly_;
    int error_ = 0;
    std::vector<char> buffer_;
};

}  // namespace marginalia
