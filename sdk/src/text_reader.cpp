#include <marginalia/text_reader.h>

#include <algorithm>
#include <charconv>

#include "file_contents.h"

namespace marginalia {
namespace {

std::string shown(std::string_view token) {
    return token.size() <= 40 ? std::string(token) : std::string(token.substr(0, 37)) + "...";
}

}  // namespace

TextReader::TextReader(std::string path, std::string dividers, char comment)
    : path_(std::move(path)), dividers_(std::move(dividers)), text_(file_contents(path_)), comment_(comment) {
    if (text_.starts_with("\xEF\xBB\xBF")) text_.erase(0, 3);  // a byte-order mark
}

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
    if (at_ == text_.size()) fail("the file ends where " + std::string(what) + " should be");
    while (at_ < text_.size() && !divides(text_[at_]) && !begins_comment(text_[at_])) ++at_;
    return std::string_view(text_).substr(begin_, at_ - begin_);
}

std::int64_t TextReader::integer(std::string_view what, std::int64_t minimum, std::int64_t maximum) {
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

double TextReader::number(std::string_view what) {
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

void TextReader::end() {
    if (!at_end()) fail("'" + shown(word("the end")) + "' is left over; the file should end before it");
}

void TextReader::fail(const std::string& sentence) const {
    const std::size_t line_start = begin_ == 0 ? 0 : text_.rfind('\n', begin_ - 1) + 1;
    throw Error(path_ + ":" + std::to_string(begin_line_) + ":" + std::to_string(begin_ - line_start + 1) + ": " + sentence);
}

bool TextReader::divides(char c) const {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || dividers_.find(c) != std::string::npos;
}

void TextReader::skip() {
    for (; at_ < text_.size(); ++at_) {
        if (begins_comment(text_[at_])) at_ = std::min(text_.find('\n', at_), text_.size());
        if (at_ == text_.size() || !divides(text_[at_])) return;
        line_ += text_[at_] == '\n';
    }
}

}  // namespace marginalia
