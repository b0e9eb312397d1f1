#include "kernel/worker/states/figure_writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <vector>

#include "kernel/base/printable.h"

namespace marginalia {
namespace {

struct FigureColumn {
    const char* name;     // in CSV and JSON
    const char* heading;  // for people
    double Figure::* number;
    const char* shown;  // its format for people
};

constexpr FigureColumn figure_columns[] = {
    {"value", "value", &Figure::value, "{:.5g}"},
    {"stderr", "± stderr", &Figure::error, "{:.2g}"},
    {"gap", "gap", &Figure::gap, "{:+.3g}"},
    {"gap_stderr", "± stderr", &Figure::gap_error, "{:.2g}"},
    {"normalisation_error", "sum - 1", &Figure::breach, "{:+.2g}"},
    {"exact", "exact", &Figure::exact, "{:.5g}"},
};

std::string shown(const Figure& figure, const FigureColumn& column) {
    const double value = figure.*column.number;
    return std::isnan(value) ? "" : fmt::format(fmt::runtime(column.shown), value);
}

std::string full(double value) {
    if (std::isnan(value)) return "";
    return std::isfinite(value) ? fmt::format("{}", value) : not_finite_name(value);
}

using Cells = std::vector<std::string>;

Cells headings() {
    Cells row{"figure", "of", "sites"};
    for (const FigureColumn& column : figure_columns) row.emplace_back(column.heading);
    row.emplace_back("from");
    return row;
}

Cells cells_of(const Figure& figure) {
    Cells row{figure.name, figure.of, std::to_string(figure.sites)};
    for (const FigureColumn& column : figure_columns) row.push_back(shown(figure, column));
    row.push_back(fmt::format("{} {}", figure.count, figure.by));
    return row;
}

std::size_t width_of(const std::string& text) {
    return static_cast<std::size_t>(std::ranges::count_if(text, [](char c) { return (c & 0xC0) != 0x80; }));
}

void write_table(std::span<const Figure> figures, std::ostream& out) {
    std::vector<Cells> rows{headings()};
    for (const Figure& figure : figures) rows.push_back(cells_of(figure));
    std::vector<std::size_t> widths(rows.front().size());
    for (std::size_t column = 0; column < widths.size(); ++column) {
        bool empty = true;
        for (const Cells& row : rows) {
            widths[column] = std::max(widths[column], width_of(row[column]));
            empty = empty && (&row == &rows.front() || row[column].empty());
        }
        if (empty) widths[column] = 0;
    }
    for (const Cells& row : rows) {
        std::string line;
        for (std::size_t column = 0; column < widths.size(); ++column) {
            if (widths[column] == 0) continue;
            const std::string blanks(widths[column] - std::min(widths[column], width_of(row[column])), ' ');
            const bool is_number = column >= 2 && column + 1 < widths.size();
            line += (line.empty() ? "" : "  ") + (is_number ? blanks + row[column] : row[column] + blanks);
        }
        out << line.substr(0, line.find_last_not_of(' ') + 1) << '\n';
    }
}

void write_csv(std::span<const Figure> figures, std::ostream& out) {
    out << "figure,of,sites";
    for (const FigureColumn& column : figure_columns) out << ',' << column.name;
    out << ",by,count\n";
    for (const Figure& figure : figures) {
        out << fmt::format("{},{},{}", figure.name, csv_field(figure.of), figure.sites);
        for (const FigureColumn& column : figure_columns) out << ',' << full(figure.*column.number);
        out << fmt::format(",{},{}\n", figure.by, figure.count);
    }
}

void write_json(std::span<const Figure> figures, std::ostream& out) {
    for (const Figure& figure : figures) {
        nlohmann::ordered_json line{{"figure", figure.name}, {"of", figure.of}, {"sites", figure.sites}};
        for (const FigureColumn& column : figure_columns) {
            const double value = figure.*column.number;
            if (std::isinf(value)) line[column.name] = not_finite_name(value);
            else line[column.name] = value;  // NaN is null
        }
        line["by"] = figure.by;
        line["count"] = figure.count;
        out << line.dump() << '\n';
    }
}

}  // namespace

void write_figures(std::span<const Figure> figures, StateFormat format, std::ostream& out) {
    if (format == StateFormat::csv) write_csv(figures, out);
    else if (format == StateFormat::json) write_json(figures, out);
    else write_table(figures, out);
}

}  // namespace marginalia
