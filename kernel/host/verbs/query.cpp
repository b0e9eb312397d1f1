// `query` and `export`: rows for programs, streamed.
#include <fmt/format.h>
#include <fmt/ostream.h>
#include <marginalia/error.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <csignal>
#include <iostream>

#include "kernel/base/output_file.h"
#include "kernel/base/printable.h"
#include "kernel/host/results/text.h"
#include "kernel/host/verbs/exit_codes.h"
#include "kernel/host/verbs/lookup.h"
#include "kernel/host/verbs/verbs.h"
#include "store/error.h"

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

// While it lives, Ctrl-C sets a mark. A second one ends the process, whatever it is at.
class InterruptMark {
public:
    InterruptMark() {
        struct sigaction mark{};
        mark.sa_handler = [](int) { pressed = 1; };
        mark.sa_flags = SA_RESETHAND;
        ::sigaction(SIGINT, &mark, &before_);
    }
    ~InterruptMark() { ::sigaction(SIGINT, &before_, nullptr); }
    InterruptMark(const InterruptMark&) = delete;

    static bool is_set() { return pressed != 0; }

private:
    static inline volatile std::sig_atomic_t pressed = 0;
    struct sigaction before_{};
};

// What a statement may take that somebody typed: at most half of the machine's memory, and no more rows than a table is
// good for.
store::QueryLimits limits_of_typed() {
    constexpr std::int64_t least = 256'000'000, most = 1'000'000'000, most_rows = 100'000;
    const std::int64_t half = std::int64_t{::sysconf(_SC_PHYS_PAGES)} / 2 * ::sysconf(_SC_PAGESIZE);
    return {.bytes = std::clamp(half, least, most), .rows = most_rows, .stopped = InterruptMark::is_set};
}

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

std::size_t print_rows(store::Store& store, const std::string& sql, Format format, std::ostream& out,
                       const store::QueryLimits& limits = {}) {
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

std::string quoted(const std::string& text) {
    std::string out = "'";
    for (const char c : text) {
        if (c == '\'') out += '\'';
        out += c;
    }
    return out + "'";
}

std::string export_sql(const ExportOptions& options, store::Store& store) {
    std::string where;
    if (!options.trial.empty()) {
        where = fmt::format(" WHERE t.trial_id = {}", find_trial(store, options.trial, options.experiment).id);
    } else if (!options.experiment.empty()) {
        where = " WHERE t.experiment = " + quoted(find_experiment(store, options.experiment));
    }
    if (options.what == "trials")
        return "SELECT trial_id, experiment, status, seed, config, config_hash, created, started, finished, device, "
               "host, error "
               "FROM trials t" +
               where + " ORDER BY trial_id";
    if (options.what == "final")
        return "SELECT t.trial_id, t.experiment, t.seed, t.config_hash, f.name, f.value FROM trials t JOIN "
               "final_metrics f "
               "ON f.trial_id = t.trial_id" +
               where + " ORDER BY t.trial_id, f.name";
    return "SELECT t.trial_id, t.experiment, t.seed, t.config_hash, m.name, m.step, m.value, m.time FROM trials t JOIN "
           "metrics m "
           "ON m.trial_id = t.trial_id" +
           where + " ORDER BY t.trial_id, m.name, m.step";
}

}  // namespace

int query_verb(const Common& common, const std::string& sql, std::ostream& out) {
    store::Store store = store::Store::open_to_read(common.store);
    const InterruptMark mark;
    const std::size_t rows = print_rows(store, sql, common.format, out, limits_of_typed());
    if (InterruptMark::is_set()) throw store::StoreError(store::StoreError::Kind::stopped, "the query was stopped");
    return rows > 0 ? exit_ok : exit_no_match;
}

int export_verb(const Common& common, const ExportOptions& options, std::ostream& out) {
    store::Store store = store::Store::open_to_read(common.store);
    const std::string sql = export_sql(options, store);
    Output output(options.file, out);
    const std::size_t rows = print_rows(store, sql, common.format, output.stream());
    output.commit();
    if (output.is_file())
        std::cerr << fmt::format("{} written to {}\n", count_text(rows, "row"), printable(options.file.string()));
    return rows > 0 ? exit_ok : exit_no_match;
}

}  // namespace marginalia
