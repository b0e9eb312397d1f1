// A condition's words. Internal to where.cpp and its like.
#pragma once

#include <string>
#include <string_view>

namespace marginalia {

// A word of a condition: a mark such as "<=" or "(", or a name or value.
struct ConditionWord {
    std::string text;
    bool is_mark = false;
    bool quoted = false;
    std::size_t begin = 0;  // in the condition
};

// Takes a condition apart, a word at a time. The text must outlive it.
class ConditionWords {
public:
    explicit ConditionWords(std::string_view text) : text_(text) { advance(); }

    bool at_end() const { return at_end_; }
    const ConditionWord& word() const { return word_; }  // empty at the end

    bool take_mark(std::string_view mark);        // goes past it if it comes next
    bool take_keyword(std::string_view keyword);  // the same; capital letters too
    ConditionWord take_text(const char* what);    // a name or value; throws Error if none comes

    // Throws Error: what should stand here.
    [[noreturn]] void fail(std::string_view expected) const;

private:
    void advance();

    std::string_view text_;
    std::size_t next_ = 0;
    ConditionWord word_;
    bool at_end_ = false;
};

}  // namespace marginalia
