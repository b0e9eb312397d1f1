#include "kernel/host/data/normalise.h"

#include <marginalia/error.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iostream>
#include <memory>
#include <vector>

#include "kernel/base/output_file.h"

namespace marginalia::data {
namespace {

constexpr std::array<std::string_view, 10> digits = {"zero", "one", "two",   "three", "four",
                                                     "five", "six", "seven", "eight", "nine"};

std::size_t read_standard_input(char* to, std::size_t most) {
    for (;;) {
        const ssize_t got = ::read(STDIN_FILENO, to, most);
        if (got >= 0) return static_cast<std::size_t>(got);
        if (errno != EINTR) throw unreadable("standard input", std::strerror(errno));
    }
}

}  // namespace

void TextNormaliser::add(std::string_view piece, std::string& out) {
    for (const char c : piece) {
        const char lower = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
        if (lower >= 'a' && lower <= 'z') {
            if (blank_due_) out += ' ';
            out += lower;
            blank_due_ = false;
        } else {
            if (c >= '0' && c <= '9') (out += ' ') += digits[static_cast<std::size_t>(c - '0')];
            blank_due_ = true;
        }
    }
}

std::uint64_t normalise(const TextLines::Read& read, const std::string& name, std::ostream& out) {
    TextNormaliser normaliser;
    std::vector<char> piece(1 << 16);
    std::string text;
    std::uint64_t written = 0;
    while (const std::size_t got = read(piece.data(), piece.size())) {
        text.clear();
        const std::string_view bytes(piece.data(), got);
        if (bytes.find('\0') != bytes.npos)
            throw Error(name +
                        ": it has a zero byte, so it is not text, or it is text in UTF-16; save it as text in UTF-8");
        normaliser.add(bytes, text);
        out.write(text.data(), static_cast<std::streamsize>(text.size()));
        written += text.size();
    }
    if (written == 0) throw Error(name + ": there is no letter and no digit in this text; nothing is left of it");
    return written;
}

std::uint64_t normalise_file(const std::string& from, const std::filesystem::path& to) {
    TextLines::Read in = read_standard_input;
    if (from != "-")
        in = [file = std::make_shared<FileReader>(from)](char* to_there, std::size_t most) {
            return file->read(to_there, most);
        };
    const std::string name = from == "-" ? "standard input" : from;
    Output output(to, std::cout);
    const std::uint64_t written = normalise(in, name, output.stream());
    output.commit();
    return written;
}

}  // namespace marginalia::data
