// Numbers and words of a text file, one after another, with the place of each for messages. A help for plugins that
// read files; no part of the boundary between plugin and host.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

#include <marginalia/error.h>

namespace marginalia {

// Tokens are separated by blanks, tabs, line ends and the characters in `dividers`, of which one stands between two
// tokens of a line (an empty cell of a table is refused); from `comment`, if one is given, to the end of its line
// nothing is read, nor is a line that begins with `line_comment`. What does not fit is refused with an Error
// "FILE:LINE:COLUMN: sentence". Which files are read, and how their lines may end: marginalia/files.h. One thread.
class TextReader {
public:
    // Reads the whole file. Throws Error where it cannot be read.
    explicit TextReader(std::string path, std::string dividers = "", char comment = '\0', char line_comment = '\0');

    // Nothing but blanks and dividers is left.
    bool at_end();

    // The next token starts on another line than the last one read.
    bool at_new_line();

    // The next token; `what` names it in the refusal where the file ends before it.
    std::string_view word(std::string_view what);

    // The next token as a whole number in minimum..maximum.
    std::int64_t integer(std::string_view what, std::int64_t minimum = std::numeric_limits<std::int64_t>::min(),
                         std::int64_t maximum = std::numeric_limits<std::int64_t>::max());

    // The next token as a finite number; one too small for a double is 0.
    double number(std::string_view what);

    // Refuses anything but blanks from here on.
    void end();

    // Throws Error "FILE:LINE:COLUMN: sentence" with the place of the token read last.
    [[noreturn]] void fail(const std::string& sentence) const;

private:
    bool divides(char c) const;
    bool begins_comment(char c) const { return comment_ != '\0' && c == comment_; }
    void skip();
    void take_divider();
    [[noreturn]] void fail_at(std::size_t place, const std::string& sentence);

    std::string path_, dividers_, text_;
    char comment_, line_comment_;
    bool fresh_line_ = true;      // nothing but blanks since the line began
    bool after_divider_ = false;  // of `dividers`, and no token since
    std::size_t at_ = 0, line_ = 1;
    std::size_t begin_ = 0, begin_line_ = 1;  // of the token read last
};

}  // namespace marginalia
