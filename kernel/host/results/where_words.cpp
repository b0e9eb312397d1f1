#include "kernel/host/results/where_words.h"

#include <fmt/format.h>
#include <marginalia/error.h>

#include <algorithm>
#include <cctype>

#include "kernel/host/results/text.h"

namespace marginalia {
namespace {

constexpr std::string_view marks = "()=!<>~,";
constexpr std::string_view blanks = " \t\r\n";
constexpr std::size_t shown = 40;  // columns of a condition in a message

bool is_keyword(const ConditionWord& word, std::string_view keyword) {
    return !word.is_mark && !word.quoted &&
           std::equal(word.text.begin(), word.text.end(), keyword.begin(), keyword.end(),
                      [](char a, char b) { return std::tolower(static_cast<unsigned char>(a)) == b; });
}

// "<=" and its like are one mark.
std::size_t length_of_mark(std::string_view text) {
    const std::string_view two = text.substr(0, 2);
    return two == "<=" || two == ">=" || two == "!=" || two == "==" || two == "<>" ? 2 : 1;
}

}  // namespace

void ConditionWords::advance() {
    word_ = {};
    word_.begin = next_ = std::min(text_.find_first_not_of(blanks, next_), text_.size());
    at_end_ = next_ == text_.size();
    if (at_end_) return;
    const char first = text_[next_];
    if (first == '\'' || first == '"') {
        const std::size_t end = text_.find(first, next_ + 1);
        if (end == text_.npos)
            throw Error(
                fmt::format("the condition has a quote that does not end: {}", shorten(text_.substr(next_), shown)));
        word_.text = text_.substr(next_ + 1, end - next_ - 1);
        word_.quoted = true;
        next_ = end + 1;
        return;
    }
    word_.is_mark = marks.find(first) != marks.npos;
    const std::size_t length = word_.is_mark
                                   ? length_of_mark(text_.substr(next_))
                                   : std::min(text_.find_first_of(" \t\r\n()=!<>~,'\"", next_), text_.size()) - next_;
    word_.text = text_.substr(next_, length);
    next_ += length;
}

bool ConditionWords::take_mark(std::string_view mark) {
    if (!word_.is_mark || word_.text != mark) return false;
    advance();
    return true;
}

bool ConditionWords::take_keyword(std::string_view keyword) {
    if (at_end_ || !is_keyword(word_, keyword)) return false;
    advance();
    return true;
}

ConditionWord ConditionWords::take_text(const char* what) {
    if (at_end_ || word_.is_mark) fail(what);
    ConditionWord taken = word_;
    advance();
    return taken;
}

void ConditionWords::fail(std::string_view expected) const {
    if (at_end_) throw Error(fmt::format("the condition ends where {} should stand", expected));
    throw Error(fmt::format("the condition has '{}' where {} should stand", shorten(text_.substr(word_.begin), shown),
                            expected));
}

}  // namespace marginalia
