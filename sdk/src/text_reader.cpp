#include <marginalia/files.h>
#include <marginalia/text_reader.h>

#include <algorithm>
#include <charconv>

namespace marginalia {
TextReader::TextReader(std::string path, std::string dividers, char comment, char line_comment)
    : path_(std::move(path)), dividers_(std::move(dividers)), text_(text_file(path_)), comment_(comment),
      line_comment_(line_comment) {}

bool TextReader::at_end() {
    skip();
    return at_ == text_.size();
}

bool TextReader::at_new_line() {
    skip();
    return line_ != begin_line_;
}

std::string_view TextReader::word(std::string_view what) {
    skip();
    begin_ = at_, begin_line_ = line_;
    fresh_line_ = after_divider_ = false;
    if (at_ == text_.size()) fail("the file ends where " + std::string(what) + " should be");
    while (at_ < text_.size() && !divides(text_[at_]) && !begins_comment(text_[at_])) ++at_;
    return std::string_view(text_).substr(begin_, at_ - begin_);
}

std::int64_t TextReader::integer(std::string_view what, std::int64_t minimum, std::int64_t maximum) {
    const std::string_view token = word(what);
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(token.data(), token.data() + token.size(), value);
    if (error != std::errc() || end != token.data() + token.size())
        fail(std::string(what) + " should be a whole number, not '" + visible(token) + "'");
    if (value < minimum || value > maximum)
        fail(std::string(what) + " is " + std::to_string(value) + "; it must be " +
             (maximum == std::numeric_limits<std::int64_t>::max()
                  ? "at least " + std::to_string(minimum)
                  : "from " + std::to_string(minimum) + " to " + std::to_string(maximum)));
    return value;
}

double TextReader::number(std::string_view what) {
    const std::string_view token = word(what);
    double value = 0;
    const char* first = token.data() + (token.starts_with('+') ? 1 : 0);
    const auto [end, error] = std::from_chars(first, token.data() + token.size(), value);
    const bool tiny =
        error == std::errc::result_out_of_range && (token.find("e-") != token.npos || token.find("E-") != token.npos);
    constexpr double most = std::numeric_limits<double>::max();
    if ((error != std::errc() && !tiny) || end != token.data() + token.size() || !(value >= -most && value <= most))
        fail(std::string(what) + " should be a finite number, not '" + visible(token) + "'");
    return tiny ? 0 : value;
}

void TextReader::end() {
    if (!at_end()) fail("'" + visible(word("the end")) + "' is left over; the file should end before it");
}

void TextReader::fail(const std::string& sentence) const {
    const std::size_t line_start = begin_ == 0 ? 0 : text_.rfind('\n', begin_ - 1) + 1;
    throw Error(path_ + ":" + std::to_string(begin_line_) + ":" + std::to_string(begin_ - line_start + 1) + ": " +
                sentence);
}

bool TextReader::divides(char c) const {
    return c == ' ' || c == '\t' || c == '\n' || dividers_.find(c) != std::string::npos;
}

void TextReader::skip() {
    for (; at_ < text_.size(); ++at_) {
        const bool whole_line = fresh_line_ && line_comment_ != '\0' && text_[at_] == line_comment_;
        if (whole_line || begins_comment(text_[at_])) at_ = std::min(text_.find('\n', at_), text_.size());
        if (at_ == text_.size() || !divides(text_[at_])) return;
        if (text_[at_] != ' ' && text_[at_] != '\t') take_divider();
    }
    if (after_divider_) fail_at(at_, "a value is missing behind the divider; give one, or take the divider away");
}

// One divider stands between two tokens of a line: where two stand, or one at the line's begin or end, a token is
// missing.
void TextReader::take_divider() {
    if (text_[at_] == '\n') {
        if (after_divider_) fail_at(at_, "a value is missing behind the divider; give one, or take the divider away");
        ++line_;
        fresh_line_ = true;
        return;
    }
    if (after_divider_ || fresh_line_)
        fail_at(at_, "a value is missing before this divider; give one, or take the divider away");
    after_divider_ = true;
}

void TextReader::fail_at(std::size_t place, const std::string& sentence) {
    begin_ = place, begin_line_ = line_;
    fail(sentence);
}

}  // namespace marginalia
