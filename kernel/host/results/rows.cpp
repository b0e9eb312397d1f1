#include "kernel/host/results/rows.h"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>
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

std::size_t stream_csv(store::Store& store, const std::string& sql, const store::QueryLimits& limits,
                       std::ostream& out) {
    std::size_t count = 0;
    store::query(
        store, sql,
        [&](const std::vector<std::string>& names) {
            for (std::size_t i = 0; i < names.size(); ++i) out << (i > 0 ? "," : "") << csv_field(names[i]);
            out << '\n';
        },
        [&](const std::vector<store::Cell>& row) {
            for (std::size_t i = 0; i < row.size(); ++i) out << (i > 0 ? "," : "") << std::visit(CsvValue{}, row[i]);
            out << '\n';
            ++count;
            return static_cast<bool>(out);
        },
        limits);
    return count;
}

std::size_t stream_json(store::Store& store, const std::string& sql, const store::QueryLimits& limits,
                        std::ostream& out) {
    std::size_t count = 0;
    std::vector<std::string> columns;
    out << "[";
    store::query(
        store, sql, [&](const std::vector<std::string>& names) { columns = names; },
        [&](const std::vector<store::Cell>& row) {
            nlohmann::ordered_json object;
            for (std::size_t i = 0; i < row.size(); ++i) object[columns[i]] = std::visit(JsonValue{}, row[i]);
            out << (count++ > 0 ? ",\n " : "\n ")
                << object.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
            return static_cast<bool>(out);
        },
        limits);
    out << "\n]\n";
    return count;
}

}  // namespace

std::size_t print_rows(store::Store& store, const std::string& sql, Format format, std::ostream& out,
                       const store::QueryLimits& limits) {
    if (format == Format::csv) return stream_csv(store, sql, limits, out);
    if (format == Format::json) return stream_json(store, sql, limits, out);
    const store::QueryResult result = store::query(store, sql, limits);
    std::vector<Column> columns;
    for (std::size_t c = 0; c < result.columns.size(); ++c) {
        bool numeric = !result.rows.empty();
        for (const std::vector<store::Cell>& row : result.rows)
            numeric = numeric && !std::holds_alternative<std::string>(row[c]);
        columns.push_back({result.columns[c], numeric});
    }
    Table table(std::move(columns));
    for (const std::vector<store::Cell>& row : result.rows) {
        std::vector<Cell> cells;
        for (const store::Cell& cell : row) cells.push_back(std::visit(TableCell{}, cell));
        table.add_row(std::move(cells));
    }
    table.print(out, format, screen());
    return table.size();
}

}  // namespace marginalia
