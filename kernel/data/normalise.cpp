#include "kernel/data/normalise.h"

#include <marginalia/error.h>

#include <array>
#include <fstream>
#include <iostream>
#include <vector>

#include "kernel/base/output_file.h"

namespace marginalia::data {
namespace {

constexpr std::array<std::string_view, 10> digits = {"zero", "one", "two",   "three", "four",
                                                     "five", "six", "seven", "eight", "nine"};

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

std::uint64_t normalise(std::istream& in, const std::string& name, std::ostream& out) {
    TextNormaliser normaliser;
    std::vector<char> piece(1 << 16);
    std::string text;
    std::uint64_t written = 0;
    while (in.read(piece.data(), static_cast<std::streamsize>(piece.size())) || in.gcount() > 0) {
        text.clear();
        normaliser.add({piece.data(), static_cast<std::size_t>(in.gcount())}, text);
        out.write(text.data(), static_cast<std::streamsize>(text.size()));
        written += text.size();
    }
    if (in.bad()) throw Error(name + ": cannot be read; give a readable file, or - for standard input");
    if (written == 0) throw Error(name + ": there is no letter and no digit in this text; nothing is left of it");
    return written;
}

std::uint64_t normalise_file(const std::string& from, const std::filesystem::path& to) {
    std::ifstream file;
    if (from != "-") {
        file.open(from, std::ios::binary);
        if (!file || std::filesystem::is_directory(from))
            throw Error(from + ": cannot be read; give a readable file, or - for standard input");
    }
    std::istream& in = from == "-" ? std::cin : file;
    const std::string name = from == "-" ? "standard input" : from;
    Output output(to, std::cout);
    const std::uint64_t written = normalise(in, name, output.stream());
    output.commit();
    return written;
}

}  // namespace marginalia::data
