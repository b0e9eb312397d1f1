#include "kernel/host/results/table.h"

#include <fmt/format.h>
#include <marginalia/error.h>

#include <algorithm>

#include "kernel/base/printable.h"

namespace marginalia {
namespace {

constexpr const char* gap = "  ";
constexpr std::size_t readable_text = 20;  // columns that a text should keep before other columns are left out

std::string pad(std::string text, std::size_t width, bool right) {
    const std::size_t taken = display_width(text);
    if (taken >= width) return text;
    return right ? std::string(width - taken, ' ') + text : text + std::string(width - taken, ' ');
}

std::string trimmed(std::string line) {
    line.erase(line.find_last_not_of(' ') + 1);
    return line;
}

}  // namespace

Format format_named(std::string_view name) {
    if (name == "text") return Format::text;
    if (name == "csv") return Format::csv;
    if (name == "json") return Format::json;
    if (name == "markdown") return Format::markdown;
    if (name == "latex") return Format::latex;
    throw Error(fmt::format("'{}' is no format; choose text, csv, json, markdown or latex", name));
}

Cell Cell::number(double value) { return {number_text(value), value}; }

Cell Cell::integer(std::int64_t value) { return {std::to_string(value), value}; }

void Table::add_row(std::vector<Cell> row) { rows_.push_back(std::move(row)); }

const Cell& Table::cell(std::size_t row, std::size_t column) const {
    static const Cell blank;
    return column < rows_[row].size() ? rows_[row][column] : blank;
}

std::string Table::header(std::size_t column) const {
    const Column& c = columns_[column];
    return printable(c.unit.empty() ? c.name : fmt::format("{} [{}]", c.name, c.unit));
}

std::size_t Table::natural_width(std::size_t column) const {
    std::size_t width = display_width(header(column));
    for (std::size_t r = 0; r < rows_.size(); ++r)
        width = std::max(width, display_width(printable(cell(r, column).text)));
    return width;
}

std::vector<std::size_t> Table::shown_columns(std::size_t limit) const {
    std::vector<std::size_t> shown(columns_.size());
    for (std::size_t c = 0; c < shown.size(); ++c) shown[c] = c;
    const auto least_total = [&] {
        std::size_t sum = 0;
        for (const std::size_t c : shown)
            sum += 2 + (columns_[c].numeric ? natural_width(c) : std::min(natural_width(c), readable_text));
        return sum - 2;
    };
    while (limit > 0 && shown.size() > 1 && least_total() > limit) {
        const auto first = std::max_element(shown.begin(), shown.end(), [&](std::size_t a, std::size_t b) {
            return columns_[a].drop < columns_[b].drop;
        });
        if (columns_[*first].drop == 0) break;
        shown.erase(first);
    }
    return shown;
}

std::vector<std::size_t> Table::widths(const std::vector<std::size_t>& shown, std::size_t limit) const {
    std::vector<std::size_t> widths;
    std::size_t total = 0;
    for (const std::size_t c : shown) {
        widths.push_back(natural_width(c));
        total += widths.back() + 2;
    }
    constexpr std::size_t least = 8;
    for (; limit > 0 && total > limit + 2; --total) {
        std::size_t widest = shown.size();
        for (std::size_t i = 0; i < shown.size(); ++i)
            if (!columns_[shown[i]].numeric && widths[i] > least &&
                (widest == shown.size() || widths[i] > widths[widest]))
                widest = i;
        if (widest == shown.size()) break;
        --widths[widest];
    }
    return widths;
}

void Table::print(std::ostream& out, Format format, Screen screen) const {
    switch (format) {
        case Format::text: return print_text(out, screen);
        case Format::csv: return print_csv(out);
        case Format::json: return print_json(out);
        case Format::markdown: return print_markdown(out);
        case Format::latex: return print_latex(out);
    }
}

void Table::print_text(std::ostream& out, Screen screen) const {
    const std::vector<std::size_t> shown = shown_columns(screen.width);
    const std::vector<std::size_t> wide = widths(shown, screen.width);
    auto line = [&](auto&& text_of, auto&& tone_of) {
        std::string text;
        for (std::size_t i = 0; i < shown.size(); ++i) {
            const bool last = i + 1 == shown.size();
            const std::string padded = pad(shorten(text_of(i), wide[i]), wide[i], columns_[shown[i]].numeric);
            text += toned(last ? trimmed(padded) : padded, tone_of(i), screen.colour);
            if (!last) text += gap;
        }
        out << trimmed(std::move(text)) << '\n';
    };
    const auto rule = [&](std::size_t i) {
        std::string dashes;
        for (std::size_t dash = 0; dash < wide[i]; ++dash) dashes += "─";
        return dashes;
    };
    line([&](std::size_t i) { return header(shown[i]); }, [](std::size_t) { return Tone::plain; });
    line(rule, [](std::size_t) { return Tone::faint; });
    for (std::size_t r = 0; r < rows_.size(); ++r)
        line([&](std::size_t i) { return printable(cell(r, shown[i]).text); },
             [&](std::size_t i) { return cell(r, shown[i]).tone; });
}

}  // namespace marginalia
