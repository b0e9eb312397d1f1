#include "kernel/worker/states/table_cells.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <marginalia/files.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>

#include "kernel/base/printable.h"

namespace marginalia {
namespace {

std::string_view trimmed(std::string_view text) {
    const std::size_t first = text.find_first_not_of(" \t");
    return first == text.npos ? std::string_view() : text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

// Divided by commas outside of quotes, which are taken away; "" within quotes is one.
std::vector<std::string> cells_of(std::string_view line) {
    std::vector<std::string> cells(1);
    bool quoted = false;
    for (std::size_t i = 0; i < line.size(); ++i) {
        const bool twice = quoted && line.substr(i, 2) == "\"\"";
        if (twice) cells.back() += line[++i];
        else if (line[i] == '"') quoted = !quoted;
        else if (line[i] == ',' && !quoted) cells.emplace_back();
        else cells.back() += line[i];
    }
    for (std::string& cell : cells) cell = std::string(trimmed(cell));
    return cells;
}

bool is_unknown(std::string_view text) {
    static constexpr std::string_view marks[] = {"", "?", "_", "□", "NA", "na", "NaN", "nan", "NAN"};
    return std::ranges::find(marks, text) != std::end(marks);
}

std::optional<double> number_of(std::string_view text) {
    if (text.starts_with('+')) text.remove_prefix(1);
    double value = 0;
    const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || stop != text.data() + text.size() || !std::isfinite(value)) return std::nullopt;
    return value;
}

std::string in_json(const std::string& text) {
    return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace

TableCells::TableCells(std::vector<Site> sites) : sites_(std::move(sites)) {
    for (std::size_t i = 0; i < sites_.size(); ++i)
        if (sites_[i].name.empty()) sites_[i].name = std::to_string(i + 1);
}

// Seven digits are what a float32 holds.
std::string TableCells::text(CellRow row, std::size_t column) const {
    const Site& site = sites_[column];
    if (std::isnan(row[column])) return "";
    if (site.is_real() || site.words.empty()) return fmt::format("{:.7g}", row[column]);
    return site.words[static_cast<std::size_t>(row[column])];
}

std::string TableCells::line(CellRow row, const std::optional<CellSet>& set) const {
    std::string line;
    for (std::size_t i = 0; i < size(); ++i)
        line += (i > 0 ? "," : "") + csv_field(set && set->column == i ? set->text : text(row, i));
    return line;
}

std::string TableCells::header() const {
    std::string line;
    for (const Site& site : sites_) line += (line.empty() ? "" : ",") + csv_field(site.name);
    return line;
}

std::string TableCells::json(CellRow row, const std::optional<CellSet>& set) const {
    std::string object;
    for (std::size_t i = 0; i < size(); ++i) {
        const bool is_set = set && set->column == i, is_word = !sites_[i].is_real() && !sites_[i].words.empty();
        if (std::isnan(row[i]) && !is_set) continue;
        const std::string cell = is_set ? set->text : text(row, i);
        object += fmt::format("{}{}: {}", object.empty() ? "" : ", ", in_json(sites_[i].name),
                              is_set || is_word ? in_json(cell) : cell);
    }
    return "{" + object + "}";
}

void TableCells::parse(std::string_view line, std::span<double> out) const {
    parse(line, out, [](std::string_view, std::size_t) { return false; });
}

std::optional<CellSet> TableCells::parse_with_set(std::string_view line, std::span<double> out) const {
    std::optional<CellSet> found;
    parse(line, out, [&](std::string_view text, std::size_t column) {
        std::optional<CellSet> one = set(text, column);
        if (!one) return false;
        if (found)
            throw Error(fmt::format("columns '{}' and '{}' both have a set; ask about one at a time",
                                    name(found->column), name(column)));
        found = std::move(one);
        return true;
    });
    return found;
}

// A word may have what divides a set's in it.
std::optional<CellSet> TableCells::set(std::string_view text, std::size_t column) const {
    const Site& site = sites_[column];
    if (is_unknown(text) || std::ranges::find(site.words, text) != site.words.end()) return std::nullopt;
    CellSet set{.column = column, .text = std::string(text)};
    const std::size_t dots = text.find("..");
    if (site.is_real()) {
        if (dots == text.npos) return std::nullopt;
        const std::string_view low = trimmed(text.substr(0, dots)), high = trimmed(text.substr(dots + 2));
        if (!low.empty()) set.low = value(low, column);
        if (!high.empty()) set.high = value(high, column);
        if (!(set.low <= set.high))
            throw Error(
                fmt::format("column '{}': {} has no numbers in it; give the lower end first", name(column), text));
        return set;
    }
    if (text.find('|') == text.npos) return std::nullopt;
    for (std::size_t at = 0; at <= text.size();) {
        const std::size_t end = std::min(text.find('|', at), text.size());
        const double symbol = value(trimmed(text.substr(at, end - at)), column);
        if (std::isnan(symbol)) throw Error(fmt::format("column '{}': a set has no unknown words", name(column)));
        set.symbols.push_back(static_cast<std::int64_t>(symbol));
        at = end + 1;
    }
    std::ranges::sort(set.symbols);
    set.symbols.erase(std::ranges::unique(set.symbols).begin(), set.symbols.end());
    return set;
}

void TableCells::parse(std::string_view line, std::span<double> out, const TakeSet& take_set) const {
    const std::vector<std::string> cells = cells_of(line);
    std::ranges::fill(out, unknown);
    const bool named = std::ranges::any_of(cells, [](const std::string& cell) { return cell.find('=') != cell.npos; });
    if (!named && cells.size() != size())
        throw Error(
            fmt::format("it has {} cells where a row has {}; give all, separated by commas, or some as name=value",
                        cells.size(), size()));
    for (std::size_t i = 0; i < cells.size(); ++i) {
        const std::size_t equals = cells[i].find('=');
        if (named && equals == std::string::npos)
            throw Error(
                fmt::format("'{}' has no '=', as other cells have; give each as name=value", visible(cells[i])));
        const std::size_t column = named ? column_of(trimmed(std::string_view(cells[i]).substr(0, equals))) : i;
        const std::string_view text = named ? trimmed(std::string_view(cells[i]).substr(equals + 1)) : cells[i];
        if (!take_set(text, column)) out[column] = value(text, column);
    }
}

void TableCells::check(CellRow row) const {
    for (std::size_t i = 0; i < size(); ++i) {
        const bool is_symbol =
            row[i] == std::floor(row[i]) && row[i] >= 0 && row[i] < static_cast<double>(sites_[i].categories);
        if (std::isnan(row[i]) || (sites_[i].is_real() ? std::isfinite(row[i]) : is_symbol)) continue;
        throw Error(fmt::format(
            "column '{}' has {:g}, which is no {}", sites_[i].name, row[i],
            sites_[i].is_real() ? "finite number" : fmt::format("symbol; give 0 to {}", sites_[i].categories - 1)));
    }
}

std::size_t TableCells::column_of(std::string_view name) const {
    const auto found = std::ranges::find(sites_, name, &Site::name);
    if (found == sites_.end())
        throw Error(fmt::format("there is no column '{}'; the columns are {}", visible(name), visible(header(), 200)));
    return static_cast<std::size_t>(found - sites_.begin());
}

double TableCells::value(std::string_view text, std::size_t column) const {
    const Site& site = sites_[column];
    if (is_unknown(text)) return unknown;
    const std::optional<double> number = number_of(text);
    if (site.is_real()) {
        if (!number) throw Error(fmt::format("column '{}' holds numbers, and '{}' is none", site.name, visible(text)));
        return *number;
    }
    const auto word = std::ranges::find(site.words, text);
    if (word != site.words.end()) return static_cast<double>(word - site.words.begin());
    if (site.words.empty() && number && *number == std::floor(*number) && *number >= 0 &&
        *number < static_cast<double>(site.categories))
        return *number;
    const std::string words = site.words.empty() ? fmt::format("0 to {}", site.categories - 1)
                                                 : visible(fmt::format("{}", fmt::join(site.words, ", ")), 200);
    throw Error(fmt::format("column '{}' never holds '{}'; it holds {}", site.name, visible(text), words));
}

}  // namespace marginalia
