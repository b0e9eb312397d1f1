// States from a file, a piece at a time.
#pragma once

#include <marginalia/files.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kernel/worker/states/npy_rows.h"

namespace marginalia {

// What a file is, by its first bytes and where they do not say by its name: an array of NumPy.
bool is_array_file(const std::string& file);

// Bytes of standard input, 0 at the end; for TextLines.
std::size_t read_standard_input(char* to, std::size_t most);

// One line of text into D symbols; throws Error with what is wrong.
using ParseState = std::function<void(std::string_view line, std::span<std::uint8_t> out)>;

class StateSource {
public:
    // `source`: a text file, "-" for standard input, or a .npy or .npz file; see kernel/worker/answer/inference.h.
    // Throws Error where it cannot be read.
    StateSource(std::string source, std::int64_t sites, std::int64_t categories, ParseState parse);

    // One state, given by its text itself. Throws Error where it is none.
    static StateSource of_text(std::string text, std::int64_t sites, const ParseState& parse);

    // Up to `most` further states as rows of D bytes; empty at the end. Throws Error with file and line or row.
    std::vector<std::uint8_t> next(std::size_t most);

    // The same for the first of them; throws Error where there are none.
    std::vector<std::uint8_t> first(std::size_t most);

    // The lines of the states that next() or first() returned last; empty where they come from an array.
    const std::vector<std::string>& lines() const { return lines_; }

private:
    explicit StateSource(std::size_t width) : width_(width) {}
    std::vector<std::uint8_t> next_lines(std::size_t most);

    std::string name_;
    const std::size_t width_;
    const ParseState parse_;
    std::unique_ptr<TextLines> text_;  // null: an array, or one state
    std::unique_ptr<NpyRows> array_;   // null: text
    std::vector<std::uint8_t> one_;    // the state that was given as text, until it is handed over
    std::vector<std::string> lines_;
};

}  // namespace marginalia
