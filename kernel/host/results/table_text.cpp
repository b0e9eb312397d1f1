// A table on a screen.
#include <algorithm>
#include <sstream>

#include "kernel/base/printable.h"
#include "kernel/host/results/table.h"
#include "kernel/host/results/text.h"

namespace marginalia {
namespace {

constexpr const char* gap = "  ";
// Columns that a text should keep before others are left out, and what it keeps in any case.
constexpr std::size_t readable_text = 20, least_text = 8, readable_whole = 40, least_whole = 20;

std::string pad(std::string text, std::size_t width, bool right) {
    const std::size_t taken = display_width(text);
    if (taken >= width) return text;
    return right ? std::string(width - taken, ' ') + text : text + std::string(width - taken, ' ');
}

std::string trimmed(std::string line) {
    line.erase(line.find_last_not_of(' ') + 1);
    return line;
}

std::string rule(std::size_t width) {
    std::string dashes;
    for (std::size_t dash = 0; dash < width; ++dash) dashes += "─";
    return dashes;
}

// Broken behind '_', '.' and blanks, into as few lines as the width allows.
std::vector<std::string> header_lines(const std::string& header, std::size_t width) {
    std::vector<std::string> lines = {""};
    for (std::size_t begin = 0; begin < header.size();) {
        const std::size_t end = std::min(header.find_first_of("_. ", begin), header.size() - 1) + 1;
        const std::string piece = header.substr(begin, end - begin);
        if (!lines.back().empty() && display_width(trimmed(lines.back() + piece)) > width) lines.emplace_back();
        lines.back() += piece;
        begin = end;
    }
    for (std::string& line : lines) line = trimmed(line);
    return lines;
}

}  // namespace

// Numbers, with their errors, units and marks, stay in one line.
bool Table::is_broken(std::size_t row, std::size_t column) const {
    const Column& c = columns_[column];
    const nlohmann::json& value = cell(row, column).value;
    return (c.role != Role::plain || c.numeric) && !value.is_number() && !value.is_array() && !value.is_null();
}

ColumnSize Table::size_of(std::size_t column) const {
    const Column& c = columns_[column];
    ColumnSize size{.key = c.role == Role::key || c.role == Role::setting, .drop = c.drop};
    size.header = display_width(header(column));
    for (const std::string& piece : header_lines(header(column), 1))
        size.header_piece = std::max(size.header_piece, display_width(piece));
    std::size_t texts = 0;
    for (std::size_t r = 0; r < rows_.size(); ++r) {
        const std::size_t width = display_width(printable(cell(r, column).text));
        size.cells = std::max(size.cells, width);
        if (is_broken(r, column) || !c.numeric) texts = std::max(texts, width);
        else size.unbroken = std::max(size.unbroken, width);
    }
    size.readable = std::min(texts, c.role != Role::plain ? readable_whole : readable_text);
    size.least = std::min(texts, c.role != Role::plain ? least_whole : least_text);
    return size;
}

std::vector<ColumnSize> Table::sizes() const {
    std::vector<ColumnSize> sizes;
    for (std::size_t c = 0; c < columns_.size(); ++c) sizes.push_back(size_of(c));
    return sizes;
}

// "learning_rate = 0.001, channels = 32" in the place of the first of them.
Table Table::with_settings_together() const {
    const auto is_setting = [this](std::size_t c) { return columns_[c].role == Role::setting; };
    std::vector<Column> columns;
    std::size_t first = columns_.size();
    for (std::size_t c = 0; c < columns_.size(); ++c) {
        if (is_setting(c) && first < c) continue;
        if (is_setting(c)) first = c;
        columns.push_back(is_setting(c) ? Column{.name = "settings", .role = Role::key} : columns_[c]);
    }
    Table together(std::move(columns));
    for (std::size_t r = 0; r < rows_.size(); ++r) {
        std::vector<Cell> row;
        std::string text;
        for (std::size_t c = 0; c < columns_.size(); ++c) {
            if (is_setting(c)) text += (text.empty() ? "" : ", ") + columns_[c].name + " = " + cell(r, c).text;
            if (!is_setting(c) || c == first) row.push_back(cell(r, c));
        }
        row[first] = text;
        together.add_row(std::move(row));
    }
    return together;
}

void Table::print_text(std::ostream& out, Screen screen) const {
    const std::vector<ColumnSize> sizes = this->sizes();
    const auto settings = std::ranges::count(columns_, Role::setting, &Column::role);
    if (settings > 1 && keys_are_too_wide(sizes, screen.width)) return with_settings_together().print_text(out, screen);
    const TableLayout layout = lay_out(sizes, screen.width);
    for (std::size_t i = 0; i < layout.blocks.size(); ++i) {
        if (i > 0) out << '\n';
        print_block(out, layout.blocks[i], screen.colour);
    }
    std::string names;
    for (const std::size_t c : layout.left_out) names += (names.empty() ? "" : ", ") + printable(columns_[c].name);
    if (names.empty()) return;
    std::istringstream lines(wrap("not shown on a narrow screen: " + names, screen.width));
    for (std::string line; std::getline(lines, line);) out << toned(line, Tone::faint, screen.colour) << '\n';
}

void Table::print_block(std::ostream& out, const ColumnBlock& block, bool colour) const {
    const std::size_t count = block.columns.size();
    std::vector<std::vector<std::string>> lines(count);  // of each column's cell
    const auto print = [&](auto&& tone_of, bool from_below) {
        std::size_t height = 1;
        for (const auto& of_cell : lines) height = std::max(height, of_cell.size());
        for (std::size_t l = 0; l < height; ++l) {
            std::string text;
            for (std::size_t i = 0; i < count; ++i) {
                const std::size_t above = from_below ? height - lines[i].size() : 0;
                const bool last = i + 1 == count, blank = l < above || l - above >= lines[i].size();
                const std::string padded =
                    pad(blank ? "" : lines[i][l - above], block.widths[i], columns_[block.columns[i]].numeric);
                text += toned(last ? trimmed(padded) : padded, blank ? Tone::plain : tone_of(i), colour);
                if (!last) text += gap;
            }
            out << trimmed(std::move(text)) << '\n';
        }
    };
    for (std::size_t i = 0; i < count; ++i) lines[i] = header_lines(header(block.columns[i]), block.widths[i]);
    print([](std::size_t) { return Tone::plain; }, true);
    for (std::size_t i = 0; i < count; ++i) lines[i] = {rule(block.widths[i])};
    print([](std::size_t) { return Tone::faint; }, false);
    for (std::size_t r = 0; r < rows_.size(); ++r) {
        for (std::size_t i = 0; i < count; ++i) {
            const std::string text = printable(cell(r, block.columns[i]).text);
            lines[i] = is_broken(r, block.columns[i]) ? broken(text, block.widths[i])
                                                      : std::vector{shorten(text, block.widths[i])};
        }
        print([&](std::size_t i) { return cell(r, block.columns[i]).tone; }, false);
    }
}

}  // namespace marginalia
