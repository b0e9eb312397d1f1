#include "kernel/host/results/rows.h"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>
#include <variant>

#include "kernel/base/printable.h"
#include "kernel/host/results/text.h"

namespace marginalia {
namespace {

std::string blob_text(const store::Blob& blob) {
    return fmt::format("<{}>", bytes_text(static_cast<std::uint64_t>(blob.bytes)));
}

// All digits that matter, so that a number read back is the number stored.
std::string plain(double value) { return std::isfinite(value) ? fmt::format("{}", value) : not_finite_name(value); }

struct CsvValue {
    std::string operator()(std::monostate) const { return {}; }
    std::string operator()(std::int64_t value) const { return std::to_string(value); }
    std::string operator()(double value) const { return plain(value); }
    std::string operator()(const std::string& value) const { return csv_field(value); }
    std::string operator()(const store::Blob& value) const { return blob_text(value); }
};

struct JsonValue {
    nlohmann::json operator()(std::monostate) const { return nullptr; }
    nlohmann::json operator()(std::int64_t value) const { return value; }
    nlohmann::json operator()(double value) const {
        return std::isfinite(value) ? nlohmann::json(value) : nlohmann::json(plain(value));
    }
    nlohmann::json operator()(const std::string& value) const { return value; }
    nlohmann::json operator()(const store::Blob& value) const { return blob_text(value); }
};

struct TableCell {
    Cell operator()(std::monostate) const { return {}; }
    Cell operator()(std::int64_t value) const { return Cell::integer(value); }
    Cell operator()(double value) const { return {number_text(value, 6), value}; }
    Cell operator()(const std::string& value) const { return value; }
    Cell operator()(const store::Blob& value) const { return blob_text(value); }
};

}  // namespace

RowPrinter::RowPrinter(Format format, std::ostream& out, std::string lead)
    : format_(format), out_(out), lead_(std::move(lead)) {
    if (format_ == Format::json) out_ << "[";
}

void RowPrinter::add(store::Store& store, const std::string& sql, const store::QueryLimits& limits,
                     const std::string& led) {
    const auto led_row = [&](std::vector<store::Cell> row) {
        if (!lead_.empty()) row.insert(row.begin(), led);
        return row;
    };
    if (format_ == Format::csv || format_ == Format::json) {
        store::query(
            store, sql, [&](const std::vector<std::string>& names) { begin(names); },
            [&](const std::vector<store::Cell>& row) {
                print(lead_.empty() ? row : led_row(row));
                return static_cast<bool>(out_);
            },
            limits);
        return;
    }
    store::QueryResult result = store::query(store, sql, limits);
    begin(result.columns);
    for (std::vector<store::Cell>& row : result.rows) held_.rows.push_back(led_row(std::move(row)));
}

void RowPrinter::begin(const std::vector<std::string>& names) {
    if (!held_.columns.empty()) return;
    if (!lead_.empty()) held_.columns.push_back(lead_);
    held_.columns.insert(held_.columns.end(), names.begin(), names.end());
    if (format_ != Format::csv) return;
    for (std::size_t i = 0; i < held_.columns.size(); ++i) out_ << (i > 0 ? "," : "") << csv_field(held_.columns[i]);
    out_ << '\n';
}

void RowPrinter::print(const std::vector<store::Cell>& row) {
    ++count_;
    if (format_ == Format::csv) {
        for (std::size_t i = 0; i < row.size(); ++i) out_ << (i > 0 ? "," : "") << std::visit(CsvValue{}, row[i]);
        out_ << '\n';
        return;
    }
    nlohmann::ordered_json object;
    for (std::size_t i = 0; i < row.size(); ++i) object[held_.columns[i]] = std::visit(JsonValue{}, row[i]);
    out_ << (count_ > 1 ? ",\n " : "\n ") << object.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::size_t RowPrinter::finish() {
    if (format_ == Format::json) out_ << "\n]\n";
    else if (format_ != Format::csv) print_table();
    return count_;
}

void RowPrinter::print_table() {
    std::vector<Column> columns;
    for (std::size_t c = 0; c < held_.columns.size(); ++c) {
        bool numeric = !held_.rows.empty();
        for (const std::vector<store::Cell>& row : held_.rows)
            numeric = numeric && !std::holds_alternative<std::string>(row[c]);
        columns.push_back({held_.columns[c], numeric});
    }
    Table table(std::move(columns));
    for (const std::vector<store::Cell>& row : held_.rows) {
        std::vector<Cell> cells;
        for (const store::Cell& cell : row) cells.push_back(std::visit(TableCell{}, cell));
        table.add_row(std::move(cells));
    }
    table.print(out_, format_, screen());
    count_ = table.size();
}

}  // namespace marginalia
