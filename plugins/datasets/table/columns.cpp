#include "columns.h"

#include <marginalia/files.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>

#include "csv_lines.h"

namespace table {
namespace {

using marginalia::Error;
using marginalia::Site;
using marginalia::visible;

constexpr std::uint16_t none = 0xFFFF;   // of a cell that is missing
constexpr std::size_t most_words = 255;  // of a column
constexpr std::size_t few_numbers = 20;  // whole ones, so that they are taken for codes

bool is_missing(std::string_view text) {
    if (text.empty() || text == "?") return true;
    if (text.size() > 3) return false;
    std::string lower(text);
    std::ranges::transform(lower, lower.begin(),
                           [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    return lower == "na" || lower == "nan";
}

std::optional<double> number_of(std::string_view text) {
    if (text.starts_with('+')) text.remove_prefix(1);
    double value = 0;
    const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || stop != text.data() + text.size() || !std::isfinite(value)) return std::nullopt;
    return value;
}

std::string trimmed(std::string_view text) {
    const std::size_t first = text.find_first_not_of(" \t");
    return first == text.npos ? "" : std::string(text.substr(first, text.find_last_not_of(" \t") - first + 1));
}

std::vector<std::string> names_of(const Line& line) {
    std::vector<std::string> names;
    for (const Cell& cell : line.cells) names.emplace_back(cell.text);
    return names;
}

// The row numbers that pandas writes have no name.
bool has_names(const Line& line) {
    const bool unnamed = line.cells.size() > 1 && line.cells[0].text.empty();
    return std::ranges::none_of(
        line.cells, [&](const Cell& cell) { return number_of(cell.text) || (!unnamed && is_missing(cell.text)); });
}

}  // namespace

Columns::Columns(std::string_view kinds, Header header) : header_(header) {
    if (kinds == "auto") return;
    while (!kinds.empty()) {
        const std::size_t end = std::min(kinds.find(','), kinds.size());
        const std::string_view part = kinds.substr(0, end);
        const std::size_t equals = part.rfind('=');
        const std::string kind = equals == part.npos ? "" : trimmed(part.substr(equals + 1));
        if (kind != "real" && kind != "words" && kind != "out")
            throw Error(
                "columns: '" + visible(part) +
                "' is not NAME=KIND with real, words or out; give for example \"age=real, id=out\", or \"auto\"");
        kinds_.push_back({trimmed(part.substr(0, equals)), kind});
        kinds.remove_prefix(std::min(end + 1, kinds.size()));
    }
}

std::size_t Columns::read(const std::string& path) {
    CsvLines lines(path);
    Line line;
    const std::size_t before = rows_;
    for (bool first = true; lines.next(line); first = false) {
        const bool is_header = first && (header_ == Header::yes || (header_ == Header::automatic && has_names(line)));
        if (all_.empty()) {
            path_ = path;
            std::vector<std::string> names = names_of(line);
            if (!is_header)
                for (std::size_t i = 0; i < names.size(); ++i) names[i] = std::to_string(i + 1);
            take_names(names);
        }
        if (line.cells.size() != all_.size())
            lines.fail(line.number, "this row has " + std::to_string(line.cells.size()) + " cells and the first line " +
                                        std::to_string(all_.size()) + "; give every row the same");
        if (is_header) continue;
        if (std::ranges::all_of(line.cells, [](const Cell& cell) { return is_missing(cell.text); })) {
            ++empty_rows_;
            continue;
        }
        for (std::size_t i = 0; i < all_.size(); ++i) add(all_[i], line.cells[i].text, line.number);
        ++rows_;
    }
    if (rows_ == before) throw Error(path + ": there are no rows in this file");
    return rows_ - before;
}

void Columns::take_names(const std::vector<std::string>& names) {
    for (const std::string& name : names) {
        if (name.empty())
            throw Error(path_ +
                        ": a column has no name, as the row numbers have that pandas writes; save the rows without "
                        "them: to_csv(..., index=False), or name it and leave it out by columns = \"NAME=out\"");
        all_.push_back({name, ""});
        for (Kind& asked : kinds_)
            if (asked.column == name) all_.back().kind = asked.kind, asked.used = true;
    }
    for (const Kind& asked : kinds_)
        if (!asked.used)
            throw Error(path_ + ": columns names '" + visible(asked.column) +
                        "', which is none of its columns; they are " +
                        visible(
                            [&] {
                                std::string list;
                                for (const std::string& name : names) list += (list.empty() ? "" : ", ") + name;
                                return list;
                            }(),
                            200));
}

void Columns::add(Column& column, std::string_view text, std::size_t line) {
    if (column.kind == "out") return;
    if (is_missing(text)) {
        column.numbers.push_back(NAN);
        column.codes.push_back(none);
        return;
    }
    const std::optional<double> number = number_of(text);
    if (!number && column.all_numbers) column.all_numbers = false, column.odd_line = line, column.odd = text;
    column.has_fraction = column.has_fraction || (number && *number != std::floor(*number));
    column.numbers.push_back(number.value_or(NAN));
    auto word = column.words.find(text);
    if (word == column.words.end() && column.words.size() <= most_words)
        word = column.words.emplace(text, static_cast<std::uint16_t>(column.words.size())).first;
    column.many = column.many || word == column.words.end() || column.words.size() > most_words;
    column.codes.push_back(word == column.words.end() ? none : word->second);
}

void Columns::settle() {
    std::size_t real = 0;
    for (std::size_t i = 0; i < all_.size(); ++i) {
        if (all_[i].kind == "out") continue;
        settle(all_[i]);
        kept_.push_back(i);
        real += all_[i].kind == "real";
        for (const double number : all_[i].numbers)
            if (all_[i].kind == "real") missing_ += std::isnan(number);
        for (const std::uint16_t code : all_[i].codes)
            if (all_[i].kind == "words") missing_ += code == none;
        categories_ = std::max(categories_, static_cast<std::int64_t>(all_[i].sorted.size()));
    }
    if (kept_.empty()) throw Error(path_ + ": all columns are left out; leave one in");
    const auto cells = static_cast<double>(rows_ * kept_.size());
    char share[16];
    std::snprintf(share, sizeof share, "%.3g", 100 * static_cast<double>(missing_) / cells);
    note_ = std::to_string(real) + " columns of real numbers, " + std::to_string(kept_.size() - real) + " of words; " +
            (missing_ == 0 ? "no cell is missing" : std::string(share) + " % of the cells are missing") +
            (empty_rows_ == 0 ? "" : ", and " + std::to_string(empty_rows_) + " rows without any cell were left out");
}

void Columns::settle(Column& column) {
    if (column.kind == "real" && !column.all_numbers)
        throw Error(path_ + ": column '" + visible(column.name) + "' is to be real, and line " +
                    std::to_string(column.odd_line) + " has '" + visible(column.odd) +
                    "' there, which is not a number; leave the cell empty where it is missing, or give the column the "
                    "kind words");
    if (column.kind.empty())
        column.kind =
            column.all_numbers && (column.has_fraction || column.words.size() > few_numbers) ? "real" : "words";
    if (column.kind == "real") return;
    if (column.many)
        throw Error(path_ + ": column '" + visible(column.name) + "' has more than " + std::to_string(most_words) +
                    " different words" + (column.all_numbers ? "" : ", such as '" + visible(column.odd) + "'") +
                    "; leave it out: columns = \"" + visible(column.name) + "=out\"");
    number_words(column);
}

// Words in the order of their numbers, or of their letters.
void Columns::number_words(Column& column) {
    for (const auto& [word, code] : column.words) column.sorted.push_back(word);
    if (column.all_numbers)
        std::ranges::stable_sort(column.sorted, {}, [](const std::string& word) { return *number_of(word); });
    column.symbol_of.resize(column.words.size());
    for (std::size_t k = 0; k < column.sorted.size(); ++k)
        column.symbol_of[column.words.find(column.sorted[k])->second] = static_cast<std::uint8_t>(k);
}

std::vector<std::uint8_t> Columns::symbols(std::size_t row) const {
    std::vector<std::uint8_t> symbols;
    for (const std::size_t i : kept_) {
        const Column& column = all_[i];
        const bool real = column.kind == "real";
        if (real ? std::isnan(column.numbers[row]) : column.codes[row] == none)
            symbols.push_back(static_cast<std::uint8_t>(categories_));
        else symbols.push_back(real ? 0 : column.symbol_of[column.codes[row]]);
    }
    return symbols;
}

std::string Columns::report() const { return note_; }

std::vector<Site> Columns::sites_scaled_on(std::span<const std::size_t> rows) const {
    std::vector<Site> sites;
    for (const std::size_t i : kept_) {
        const Column& column = all_[i];
        Site site{static_cast<std::int64_t>(column.sorted.size()), column.name, column.sorted};
        double count = 0, sum = 0, squares = 0;
        for (const std::size_t row : rows)
            if (!std::isnan(column.numbers[row])) ++count, sum += column.numbers[row];
        if (site.is_real() && count > 0) site.centre = sum / count;
        for (const std::size_t row : rows)
            if (!std::isnan(column.numbers[row])) squares += std::pow(column.numbers[row] - site.centre, 2);
        if (site.is_real() && squares > 0) site.scale = std::sqrt(squares / count);
        sites.push_back(std::move(site));
    }
    return sites;
}

double Columns::number(std::size_t row, std::size_t column, const Site& scaled) const {
    return (all_[kept_[column]].numbers[row] - scaled.centre) / scaled.scale;
}

}  // namespace table
