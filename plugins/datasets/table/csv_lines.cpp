#include "csv_lines.h"

#include <marginalia/files.h>

#include <algorithm>

namespace table {
namespace {

char divider_of(std::string_view line) {
    bool quoted = false;
    std::string outside;
    for (const char c : line) {
        quoted ^= c == '"';
        if (!quoted) outside += c;
    }
    while (outside.ends_with('\t') || outside.ends_with(' ')) outside.pop_back();
    for (const char divider : {';', ',', '\t'})
        if (outside.find(divider) != outside.npos) return divider;
    return ' ';
}

}  // namespace

std::string cell_name(std::size_t index) { return "cell " + std::to_string(index + 1); }

CsvLines::CsvLines(const std::string& path) : path_(path), text_(marginalia::text_file(path)) {}

bool CsvLines::next(Line& line) {
    while (at_ < text_.size()) {
        const std::size_t end = std::min(text_.find('\n', at_), text_.size());
        const std::string_view text = std::string_view(text_).substr(at_, end - at_);
        at_ = end + 1;
        line.number = ++number_;
        const std::size_t first = text.find_first_not_of(" \t");
        const bool only_dividers = first == text.npos && divider_ == '\t' && text.find('\t') != text.npos;
        if (first == text.npos && !only_dividers) {
            if (!blank_) blank_ = number_;
            continue;
        }
        if (!only_dividers && text[first] == '#') continue;
        if (divider_ == '\0') divider_ = divider_of(text);
        cut(text, line);
        // A column of one cell has an empty line where a cell is missing.
        if (blank_ && *blank_ > first_ && first_ > 0 && line.cells.size() == 1)
            fail(*blank_, "this line is empty; a cell is missing, or the line is one too many");
        blank_.reset();
        if (first_ == 0) first_ = number_;
        return true;
    }
    return false;
}

void CsvLines::fail(std::size_t line, const std::string& sentence) const {
    throw marginalia::Error(path_ + ":" + std::to_string(line) + ": " + sentence);
}

void CsvLines::cut(std::string_view text, Line& line) const {
    line.cells.clear();
    for (std::size_t at = 0;;) {
        while (at < text.size() && is_blank(text[at])) ++at;
        if (divider_ == ' ' && at == text.size()) return;
        Cell cell;
        if (at < text.size() && text[at] == '"') at = take_quoted(text, at, cell, line);
        else at = take_plain(text, at, cell);
        line.cells.push_back(cell);
        if (at >= text.size()) return;
        if (divider_ != ' ') ++at;
    }
}

std::size_t CsvLines::take_plain(std::string_view text, std::size_t at, Cell& cell) const {
    std::size_t end = at;
    while (end < text.size() && text[end] != divider_ && !(divider_ == ' ' && text[end] == '\t')) ++end;
    std::size_t last = end;
    while (last > at && is_blank(text[last - 1])) --last;
    cell.text = text.substr(at, last - at);
    return end;
}

std::size_t CsvLines::take_quoted(std::string_view text, std::size_t at, Cell& cell, const Line& line) const {
    std::size_t end = at;
    do end = text.find('"', end + 1);
    while (end != text.npos && end + 1 < text.size() && text[end + 1] == '"' && ++end);  // "" is a quote within
    if (end == text.npos)
        fail(line.number,
             "the quote of " + cell_name(line.cells.size()) + " is not closed on its line; write each row on one line");
    cell = {text.substr(at + 1, end - at - 1), true};
    const std::size_t first = cell.text.find_first_not_of(" \t");
    cell.text = first == cell.text.npos ? std::string_view()
                                        : cell.text.substr(first, cell.text.find_last_not_of(" \t") - first + 1);
    at = end + 1;
    while (at < text.size() && is_blank(text[at]) && divider_ != ' ') ++at;
    if (at < text.size() && text[at] != divider_ && !(divider_ == ' ' && text[at] == '\t'))
        fail(line.number,
             "something follows the quotes of " + cell_name(line.cells.size()) + "; write the divider after them");
    return at;
}

}  // namespace table
