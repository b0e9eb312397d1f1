#include "kernel/host/results/table.h"

#include <fmt/format.h>
#include <marginalia/error.h>

#include "kernel/base/printable.h"

namespace marginalia {

Format format_named(std::string_view name) {
    if (name == "text") return Format::text;
    if (name == "csv") return Format::csv;
    if (name == "json") return Format::json;
    if (name == "markdown") return Format::markdown;
    if (name == "latex") return Format::latex;
    throw Error(fmt::format("'{}' is not a format; choose text, csv, json, markdown or latex", name));
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

void Table::print(std::ostream& out, Format format, Screen screen) const {
    switch (format) {
        case Format::text: return print_text(out, screen);
        case Format::csv: return print_csv(out);
        case Format::json: return print_json(out);
        case Format::markdown: return print_markdown(out);
        case Format::latex: return print_latex(out);
    }
}

}  // namespace marginalia
