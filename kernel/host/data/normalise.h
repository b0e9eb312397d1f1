// Any text the way text8 was made.
#pragma once

#include <marginalia/files.h>

#include <cstdint>
#include <filesystem>
#include <istream>
#include <ostream>
#include <string>
#include <string_view>

namespace marginalia::data {

// Text piece by piece to small letters a to z and single blanks: capitals become small, each digit its English word,
// and everything else one blank. The result begins with a blank and ends without one, as text8 does. That is what
// wikifil.pl does once it has taken the markup of Wikipedia out; a text with markup keeps the letters of its tags.
// Bounded memory.
class TextNormaliser {
public:
    // Appends what the piece gives to `out`.
    void add(std::string_view piece, std::string& out);

private:
    bool blank_due_ = true;  // before the next letter
};

// Reads to the end; returns the characters written. Throws Error naming the text where it cannot be read, is UTF-16 or
// no text, or nothing is left of it, and where `out` cannot be written.
std::uint64_t normalise(const TextLines::Read& read, const std::string& name, std::ostream& out);

// From a file, or standard input for "-", to a file, which is there only once it is whole.
std::uint64_t normalise_file(const std::string& from, const std::filesystem::path& to);

}  // namespace marginalia::data
