// Numbers and words of a text file, one after another, with the place of each for messages. A help for plugins that read
// files; no part of the boundary between plugin and host.
#pragma once

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <string>
#include <string_view>

#include <marginalia/error.h>

namespace marginalia {

// Tokens are divided by blanks, tabs, line ends and the characters in `dividers` (as "," for CSV); from `comment`, if one is
// given, to the end of its line nothing is read. What does not fit is refused with an Error "FILE:LINE:COLUMN: sentence".
// One thread.
class TextReader {
public:
    // Reads the whole file. Throws Error where it cannot be read.
    explicit TextReader(std::string path, std::string dividers = "", char comment = '\0')
        : path_(std::move(path)), dividers_(std::move(dividers)), comment_(comment) {
        // Not <fstream>, which costs every plugin's compiler 25 MB.
        std::FILE* file = std::fopen(path_.c_str(), "rb");
        char piece[1 << 14];
        for (std::size_t got; file && (got = std::fread(piece, 1, sizeof piece, file)) > 0;) text_.append(piece, got);
        const bool whole = file && !std::ferror(file);
        if (file) std::fclose(file);
        if (!whole) throw Error(path_ + ": cannot be read; give the path of a readable file");
        if (text_.starts_with("\xEF\xBB\xBF")) text_.erase(0, 3);  // a byte-order mark
    }

    // Nothing but blanks and dividers is left.
    bool at_end() {
        skip();
        return at_ == text_.size();
    }

    // The next token starts on another line than the last one read.
    bool at_new_line() {
        skip();
        return line_ != begin_line_;
    }

    // The next token; `what` names it in the refusal where the file ends before it.
    std::string_view word(std::string_view what) {
        skip();
        begin_ = at_, begin_line_ = line_;
        if (at_ == text_.size()) fail("the file ends where " + std::string(what) + " should be");
        while (at_ < text_.size() && !divides(text_[at_]) && !begins_comment(text_[at_])) ++at_;
        return std::string_view(text_).substr(begin_, at_ - begin_);
    }

    // The next token as a whole number in minimum..maximum.
    std::int64_t integer(std::string_view what, std::int64_t minimum = std::numeric_limits<std::int64_t>::min(),
                         std::int64_t maximum = std::numeric_limits<std::int64_t>::max()) {
        const std::string_view token = word(what);
        std::int64_t value = 0;
        const auto [end, error] = std::from_chars(token.data(), token.data() + token.size(), value);
        if (error != std::errc() || end != token.data() + token.size())
            fail(std::string(what) + " should be a whole number, not '" + shown(token) + "'");
        if (value < minimum || value > maximum)
            fail(std::string(what) + " is " + std::to_string(value) + "; it must be " +
                 (maximum == std::numeric_limits<std::int64_t>::max()
                      ? "at least " + std::to_string(minimum)
                      : "from " + std::to_string(minimum) + " to " + std::to_string(maximum)));
        return value;
    }

    // The next token as a finite number; one too small for a double is 0.
    double number(std::string_view what) {
        const std::string_view token = word(what);
        double value = 0;
        const char* first = token.data() + (token.starts_with('+') ? 1 : 0);
        const auto [end, error] = std::from_chars(first, token.data() + token.size(), value);
        const bool tiny = error == std::errc::result_out_of_range &&
                          (token.find("e-") != token.npos || token.find("E-") != token.npos);
        constexpr double most = std::numeric_limits<double>::max();
        if ((error != std::errc() && !tiny) || end != token.data() + token.size() || !(value >= -most && value <= most))
            fail(std::string(what) + " should be a finite number, not '" + shown(token) + "'");
        return tiny ? 0 : value;
    }

    // Refuses anything but blanks from here on.
    void end() {
        if (!at_end()) fail("'" + shown(word("the end")) + "' is left over; the file should end before it");
    }

    // Throws Error "FILE:LINE:COLUMN: sentence" with the place of the token read last.
    [[noreturn]] void fail(const std::string& sentence) const {
        const std::size_t line_start = begin_ == 0 ? 0 : text_.rfind('\n', begin_ - 1) + 1;
        throw Error(path_ + ":" + std::to_string(begin_line_) + ":" + std::to_string(begin_ - line_start + 1) + ": " + sentence);
    }

private:
    static std::string shown(std::string_view token) {
        return token.size() <= 40 ? std::string(token) : std::string(token.substr(0, 37)) + "...";
    }
    bool divides(char c) const {
        return c == ' ' || c == '\t' || c == '\n' || c == '\r' || dividers_.find(c) != std::string::npos;
    }
    bool begins_comment(char c) const { return comment_ != '\0' && c == comment_; }
    void skip() {
        for (; at_ < text_.size(); ++at_) {
            if (begins_comment(text_[at_])) at_ = std::min(text_.find('\n', at_), text_.size());
            if (at_ == text_.size() || !divides(text_[at_])) return;
            line_ += text_[at_] == '\n';
        }
    }

    std::string path_, dividers_, text_;
    char comment_;
    std::size_t at_ = 0, line_ = 1;
    std::size_t begin_ = 0, begin_line_ = 1;  // of the token read last
};

}  // namespace marginalia
