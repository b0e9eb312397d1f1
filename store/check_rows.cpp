#include "store/check_rows.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "store/connection.h"
#include "store/schema.h"
#include "store/shapes.h"
#include "store/state.h"

namespace marginalia::store {

namespace {

using Words = std::vector<std::string>;

// A store as it is made, in memory.
class Blank {
public:
    explicit Blank(std::size_t layout = migrations().size()) : connection_(":memory:", Connection::Access::write) {
        for (const auto step : migrations().first(layout)) connection_.execute(std::string(step));
    }
    Connection& connection() { return connection_; }

private:
    Connection connection_;
};

Words names_of(Connection& connection, std::string_view type) {
    Rows rows(connection, "SELECT name FROM main.sqlite_schema WHERE type = ? ORDER BY name", type);
    Words names;
    while (rows.next()) names.push_back(rows.text(0));
    return names;
}

// Empty where there is no such view.
Words columns_of(Connection& connection, const std::string& view) {
    Rows rows(connection, "SELECT name FROM pragma_table_info(?, 'main') ORDER BY cid", view);
    Words names;
    while (rows.next()) names.push_back(rows.text(0));
    return names;
}

std::int64_t how_many(Connection& connection, const std::string& sql) {
    Rows rows(connection, sql);
    return rows.next() && !rows.null(0) ? rows.integer(0) : 0;
}

bool same_columns(const Shape& one, const Shape& other) {
    return std::ranges::equal(one.columns, other.columns, [](const ShapeColumn& a, const ShapeColumn& b) {
        return a.name == b.name && a.type == b.type && a.is_rowid == b.is_rowid;
    });
}

// What SQLite says of a value that such a column of such a table holds.
std::string fits(const ShapeColumn& column) {
    std::string types = column.type == "INTEGER" ? "'integer'"
                        : column.type == "REAL"  ? "'real', 'integer'"
                        : column.type == "BLOB"  ? "'blob'"
                                                 : "'text'";
    if (column.nullable) types += ", 'null'";
    const auto type = fmt::format("typeof({}) IN ({})", column.name, types);
    return column.name == "json" ? type + " AND json_valid(json) AND json_type(json) = 'object'" : type;
}

void add_wrong_types(Connection& connection, const Shape& table, Words& found) {
    std::vector<std::string> all;
    for (const auto& column : table.columns)
        if (!column.is_rowid) all.push_back(fits(column));
    if (all.empty()) return;
    const auto wrong = how_many(
        connection, fmt::format("SELECT count(*) FROM main.{} WHERE NOT ({})", table.name, fmt::join(all, " AND ")));
    if (wrong > 0)
        found.push_back(fmt::format("rows of the table '{}' with a value of the wrong type: {}", table.name, wrong));
}

struct Reference {
    std::string_view table, column, other;
};
constexpr std::array references{
    Reference{"trial", "config", "config"},         Reference{"trial", "sweep", "sweep"},
    Reference{"trial", "evaluation", "evaluation"}, Reference{"sweep", "provenance", "provenance"},
    Reference{"sweep_trial", "sweep", "sweep"},     Reference{"figure", "evaluation", "evaluation"},
    Reference{"summary", "metric", "metric_name"},  Reference{"final_metric", "metric", "metric_name"},
    Reference{"figure", "metric", "metric_name"},
};

void add_missing(Connection& connection, const Reference& reference, Words& found) {
    const auto missing = how_many(
        connection,
        fmt::format("SELECT count(*) FROM main.{0} WHERE {1} IS NOT NULL AND {1} NOT IN (SELECT id FROM main.{2})",
                    reference.table, reference.column, reference.other));
    if (missing > 0)
        found.push_back(
            fmt::format("rows of the table '{}' whose {} is missing: {}", reference.table, reference.column, missing));
}

// Points are looked at by curve, below; `removed` has the numbers of trials that are in the trash.
bool belongs_to_a_trial(const Shape& table) {
    return table.name != "removed" && table.name != "metric" &&
           std::ranges::any_of(table.columns, [](const auto& column) { return column.name == "trial"; });
}

struct Question {
    std::string words, sql;  // the answer is how many
};

std::vector<Question> questions() {
    const auto no_status = fmt::format("status NOT IN ('{}')", status_names("', '"));
    // A pass over all points, in the order in which they lie.
    const std::string curves = "(SELECT trial, metric, count(*) AS n FROM main.metric GROUP BY trial, metric)";
    return {
        {"trials of no known status", "SELECT count(*) FROM main.trial WHERE " + no_status},
        {"evaluations of no known status", "SELECT count(*) FROM main.evaluation WHERE " + no_status},
        {"curves of no trial", "SELECT count(*) FROM " + curves + " WHERE trial NOT IN (SELECT id FROM main.trial)"},
        {"curves whose summary counts other points than there are",
         "SELECT count(*) FROM " + curves + " c LEFT JOIN main.summary s USING (trial, metric) WHERE s.n IS NOT c.n"},
        {"summaries of curves that are missing",
         "SELECT count(*) FROM main.summary s WHERE n <> 0 AND NOT EXISTS (SELECT 1 FROM main.metric m WHERE "
         "m.trial = s.trial AND m.metric = s.metric)"},
        {"checkpoints without all of their pieces", "SELECT count(*) FROM main." + std::string(cut_checkpoints)},
        {"states of evaluations without all of their pieces", "SELECT count(*) FROM main." + std::string(cut_states)},
    };
}

}  // namespace

Words strange_tables(Connection& connection) {
    const auto layout = pragma(connection, "user_version");
    if (layout < 1 || layout > std::ssize(migrations())) return {};  // nobody knows what it should have
    Blank blank(static_cast<std::size_t>(layout));
    Words found;
    const auto there = shapes_of(connection);
    for (const auto& wanted : shapes_of(blank.connection())) {
        const char* what = wanted.is_table ? "table" : "index";
        const auto is = std::ranges::find(there, wanted.name, &Shape::name);
        if (is == there.end()) found.push_back(fmt::format("the {} '{}' is missing", what, wanted.name));
        else if (is->is_table != wanted.is_table || is->has_rowids != wanted.has_rowids || !same_columns(*is, wanted))
            found.push_back(fmt::format("the {} '{}' has another form than marginalia gives it", what, wanted.name));
    }
    if (!found.empty()) return found;  // what views are over
    for (const auto& view : names_of(blank.connection(), "view"))
        if (const auto columns = columns_of(connection, view); columns.empty())
            found.push_back(fmt::format("the view '{}' is missing", view));
        else if (columns != columns_of(blank.connection(), view))
            found.push_back(fmt::format("the view '{}' has other columns than marginalia gives it", view));
    for (const auto& trigger : names_of(connection, "trigger"))
        found.push_back(fmt::format("there is a trigger '{}', and marginalia makes none", trigger));
    return found;
}

Words damaged_rows(Store& store) {
    Blank blank;
    auto& connection = store.connection();
    Words found;
    for (const auto& table : shapes_of(blank.connection())) {
        if (!table.is_table) continue;
        add_wrong_types(connection, table, found);
        if (belongs_to_a_trial(table)) add_missing(connection, {table.name, "trial", "trial"}, found);
    }
    for (const auto& reference : references) add_missing(connection, reference, found);
    for (const auto& [words, sql] : questions())
        if (const auto count = how_many(connection, sql); count > 0)
            found.push_back(fmt::format("{}: {}", words, count));
    return found;
}

}  // namespace marginalia::store
