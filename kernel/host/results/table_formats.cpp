// A table for programs and papers: CSV, JSON, Markdown, LaTeX.
#include <fmt/format.h>

#include <cmath>

#include "kernel/base/printable.h"
#include "kernel/host/results/table.h"
#include "kernel/host/results/text.h"

namespace marginalia {
namespace {

std::string markdown_text(const std::string& text) {
    std::string out;
    for (const char c : printable(text)) {
        if (c == '|' || c == '\\') out += '\\';
        out += c;
    }
    return out;
}

// JSON has no number that is not finite, and CSV has it under the same name.
nlohmann::json for_programs(const nlohmann::json& value) {
    if (!value.is_number_float() || std::isfinite(value.get<double>())) return value;
    return not_finite_name(value.get<double>());
}

std::string csv_value(const nlohmann::json& cell) {
    const nlohmann::json value = for_programs(cell);
    if (value.is_null()) return {};
    return csv_field(value.is_string() ? value.get<std::string>() : value.dump());
}

// The two numbers of a mean with its error; nulls where the cell is blank.
nlohmann::json part(const Cell& cell, std::size_t index) {
    return cell.value.is_array() && cell.value.size() > index ? cell.value[index] : nlohmann::json();
}

}  // namespace

void Table::print_csv(std::ostream& out) const {
    std::string line;
    auto field = [&line](const std::string& text) {
        line += text;
        line += ',';
    };
    auto flush = [&] {
        line.back() = '\n';
        out << line;
        line.clear();
    };
    for (const Column& column : columns_) {
        field(csv_field(column.name));
        if (!column.error_key.empty()) field(csv_field(column.error_key));
    }
    flush();
    for (std::size_t r = 0; r < rows_.size(); ++r) {
        for (std::size_t c = 0; c < columns_.size(); ++c) {
            if (columns_[c].error_key.empty()) {
                field(csv_value(cell(r, c).value));
            } else {
                field(csv_value(part(cell(r, c), 0)));
                field(csv_value(part(cell(r, c), 1)));
            }
        }
        flush();
    }
}

void Table::print_json(std::ostream& out) const {
    out << "[";
    for (std::size_t r = 0; r < rows_.size(); ++r) {
        nlohmann::ordered_json object;
        for (std::size_t c = 0; c < columns_.size(); ++c) {
            if (columns_[c].error_key.empty()) {
                object[columns_[c].name] = for_programs(cell(r, c).value);
            } else {
                object[columns_[c].name] = for_programs(part(cell(r, c), 0));
                object[columns_[c].error_key] = for_programs(part(cell(r, c), 1));
            }
        }
        out << (r == 0 ? "\n " : ",\n ") << object.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    }
    out << "\n]\n";
}

void Table::print_markdown(std::ostream& out) const {
    auto line = [&](auto&& text_of) {
        out << '|';
        for (std::size_t c = 0; c < columns_.size(); ++c) out << ' ' << text_of(c) << " |";
        out << '\n';
    };
    line([&](std::size_t c) { return markdown_text(header(c)); });
    line([&](std::size_t c) { return std::string(columns_[c].numeric ? "---:" : "---"); });
    for (std::size_t r = 0; r < rows_.size(); ++r) line([&](std::size_t c) { return markdown_text(cell(r, c).text); });
}

void Table::print_latex(std::ostream& out) const {
    std::string alignment;
    for (const Column& column : columns_) alignment += column.numeric ? 'r' : 'l';
    out << "% needs \\usepackage{booktabs}\n\\begin{tabular}{" << alignment << "}\n\\toprule\n";
    auto line = [&](auto&& text_of) {
        for (std::size_t c = 0; c < columns_.size(); ++c) out << (c > 0 ? " & " : "") << latex_text(text_of(c));
        out << " \\\\\n";
    };
    line([&](std::size_t c) { return header(c); });
    out << "\\midrule\n";
    for (std::size_t r = 0; r < rows_.size(); ++r) line([&](std::size_t c) { return printable(cell(r, c).text); });
    out << "\\bottomrule\n\\end{tabular}\n";
}

std::string latex_text(std::string_view text) {
    std::string out;
    for (std::size_t at = 0; at < text.size(); ++at) {
        const char c = text[at];
        if (text.compare(at, 2, "±") == 0) {
            out += "$\\pm$";
            ++at;
        } else if (text.compare(at, 3, "≤") == 0) {
            out += "$\\leq$";
            at += 2;
        } else if (text.compare(at, 3, "∞") == 0) {
            out += "$\\infty$";
            at += 2;
        } else if (text.compare(at, 3, "≈") == 0) {
            out += "$\\approx$";
            at += 2;
        } else if (std::string_view("&%$#_{}").find(c) != std::string_view::npos) {
            out += '\\';
            out += c;
        } else if (c == '\\') {
            out += "\\textbackslash{}";
        } else if (c == '~' || c == '^') {
            out += fmt::format("\\{}{{}}", c);
        } else {
            out += c;
        }
    }
    return out;
}

}  // namespace marginalia
