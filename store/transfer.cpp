#include "store/transfer.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "store/place.h"
#include "store/queries.h"
#include "store/state.h"

namespace marginalia::store {

namespace {

// A source at rest is open to its reader, which has made the files that SQLite wants beside it.
std::string uri_to_read(const std::filesystem::path& file) {
    return rest_of(file) == Rest::read_only ? immutable_uri(file) : read_only_uri(file);
}

template <class... Values>
std::vector<std::string> texts(Connection& connection, std::string_view sql, const Values&... values) {
    Rows rows(connection, sql, values...);
    std::vector<std::string> found;
    while (rows.next()) found.push_back(rows.text(0));
    return found;
}

// Tables whose column `trial` is the number of a trial that the row belongs to; what is of a trial's host alone is not
// among them, and neither is which run asked for it.
std::vector<std::string> tables_of_trials(Connection& connection) {
    return texts(connection,
                 "SELECT m.name FROM main.sqlite_schema m WHERE m.type = 'table' AND m.name NOT IN ('sweep_trial', "
                 "'request', 'removed') AND EXISTS (SELECT 1 FROM pragma_table_info(m.name) WHERE name = 'trial') "
                 "ORDER BY m.rowid");
}

constexpr std::string_view columns_sql =
    "SELECT name FROM pragma_table_info(?1) WHERE name NOT IN ('id', 'trial') ORDER BY cid";

bool has(const std::vector<std::string>& names, std::string_view name) {
    return std::ranges::find(names, name) != names.end();
}

// A piece is of a checkpoint, of an evaluation's state, or of neither, and then nobody will ever read it.
constexpr std::string_view named_pieces =
    " AND s.archive IN (SELECT archive FROM source.checkpoint WHERE trial = ?2 UNION ALL "
    "SELECT archive FROM source.evaluation WHERE trial = ?2)";

constexpr std::string_view twins_sql =
    "SELECT t.id, o.id, o.created = t.created FROM source.trial t JOIN source.config c ON c.id = t.config "
    "JOIN main.config d ON d.hash = c.hash "
    "JOIN main.trial o ON o.experiment = t.experiment AND o.config = d.id AND o.seed = t.seed ";

std::vector<std::int64_t> sweeps_of(Connection& connection, TrialId trial) {
    Rows rows(connection,
              "SELECT s.id FROM sweep s CROSS JOIN sweep_trial x ON x.sweep = s.id AND x.trial = ?1 UNION "
              "SELECT sweep FROM trial WHERE id = ?1",
              trial);
    std::vector<std::int64_t> sweeps;
    while (rows.next()) sweeps.push_back(rows.integer(0));
    return sweeps;
}

Transfer::Twin twin_in(const Rows& row) { return {row.integer(0), row.integer(1), row.integer(2) != 0}; }

}  // namespace

Transfer::Transfer(Connection& to, const std::filesystem::path& from)
    : to_(to), from_(Store::open_to_read(from)), parts_(read_parts()) {
    run(to_, "ATTACH ? AS source", uri_to_read(from));
    to_.execute("CREATE TEMP TABLE sweep_map(theirs INTEGER PRIMARY KEY, ours INTEGER NOT NULL)");
}

Transfer::~Transfer() {
    try {
        to_.execute("DROP TABLE temp.sweep_map; DETACH source");
    } catch (const StoreError&) {  // it goes with the connection
    }
}

std::vector<Transfer::Part> Transfer::read_parts() {
    std::vector<Part> parts;
    for (const auto& table : tables_of_trials(to_)) parts.push_back({table, texts(to_, columns_sql, table)});
    return parts;
}

std::optional<Transfer::Twin> Transfer::twin_of(TrialId theirs) {
    Rows row(to_, std::string(twins_sql) + "WHERE t.id = ?", theirs);
    return row.next() ? std::optional(twin_in(row)) : std::nullopt;
}

std::vector<Transfer::Twin> Transfer::copies() {
    Rows rows(to_, std::string(twins_sql) + "WHERE o.created = t.created");
    std::vector<Twin> twins;
    while (rows.next()) twins.push_back(twin_in(rows));
    return twins;
}

TrialId Transfer::copy(TrialId theirs) {
    check_source(theirs);
    try {
        return copy_whole(theirs);
    } catch (const StoreError& error) {  // of the target, which refuses values that the source should not have
        if (error.kind() != StoreError::Kind::damaged) throw;
        from_.connection().damaged(fmt::format("rows of trial {} do not fit together", theirs));
    }
}

TrialId Transfer::copy_whole(TrialId theirs) {
    run(to_,
        "INSERT INTO main.config(hash, json) SELECT hash, json FROM source.config "
        "WHERE id = (SELECT config FROM source.trial WHERE id = ?) ON CONFLICT DO NOTHING",
        theirs);
    run(to_,
        "INSERT INTO main.metric_name(name) SELECT name FROM source.metric_name WHERE id IN "
        "(SELECT metric FROM source.summary WHERE trial = ?1 UNION SELECT metric FROM source.final_metric "
        "WHERE trial = ?1 UNION SELECT metric FROM source.figure WHERE trial = ?1) ON CONFLICT DO NOTHING",
        theirs);
    copy_sweeps(theirs);
    const auto ours = number_for(theirs);
    copy_row(theirs, ours);
    for (const auto& part : parts_) copy_part(part, theirs, ours);
    run(to_,
        "UPDATE main.trial SET evaluation = (SELECT n.id FROM source.trial t JOIN source.evaluation o ON "
        "o.id = t.evaluation JOIN main.evaluation n ON n.trial = ?1 AND n.hash = o.hash WHERE t.id = ?2) WHERE id = ?1",
        ours, theirs);
    run(to_,
        "INSERT OR IGNORE INTO main.sweep_trial(sweep, trial) SELECT m.ours, ?1 FROM temp.sweep_map m "
        "CROSS JOIN source.sweep_trial x ON x.sweep = m.theirs AND x.trial = ?2",
        ours, theirs);
    return ours;
}

void Transfer::check_source(TrialId theirs) {
    auto& source = from_.connection();
    Rows row(to_,
             "SELECT c.id IS NOT NULL AND s.id IS NOT NULL FROM source.trial t LEFT JOIN source.config c ON "
             "c.id = t.config LEFT JOIN source.sweep s ON s.id = t.sweep WHERE t.id = ?",
             theirs);
    if (!row.next()) throw no_such_trial(source, theirs);
    if (row.integer(0) == 0) source.damaged(fmt::format("the config or the run of trial {} is missing", theirs));
}

// Its own, unless another has it, or had it and may come back for it.
TrialId Transfer::number_for(TrialId theirs) {
    Rows row(to_,
             "SELECT EXISTS (SELECT 1 FROM main.trial WHERE id = ?1) OR (EXISTS (SELECT 1 FROM main.removed WHERE "
             "trial = ?1) AND NOT EXISTS (SELECT 1 FROM source.removed WHERE trial = ?1))",
             theirs);
    row.next();
    return row.integer(0) == 0 ? theirs : next_trial_number(to_);
}

void Transfer::copy_sweeps(TrialId theirs) {
    std::vector<std::int64_t> unknown;
    {
        Rows rows(to_,
                  "SELECT s.id FROM source.sweep s WHERE s.id NOT IN (SELECT theirs FROM temp.sweep_map) AND "
                  "(s.id = (SELECT sweep FROM source.trial WHERE id = ?1) OR EXISTS (SELECT 1 FROM source.sweep_trial "
                  "x WHERE x.sweep = s.id AND x.trial = ?1)) ORDER BY s.id",
                  theirs);
        while (rows.next()) unknown.push_back(rows.integer(0));
    }
    for (const auto sweep : unknown)
        run(to_, "INSERT INTO temp.sweep_map(theirs, ours) VALUES (?,?)", sweep, copy_sweep(sweep));
}

std::int64_t Transfer::copy_sweep(std::int64_t theirs) {
    {
        Rows same(to_,
                  "SELECT o.id FROM source.sweep s JOIN main.sweep o ON o.created = s.created AND "
                  "o.experiment = s.experiment AND o.file = s.file AND o.toml = s.toml WHERE s.id = ?",
                  theirs);
        if (same.next()) return same.integer(0);
    }
    const auto provenance = provenance_id(to_, sweep_of(from_, theirs).provenance);
    run(to_,
        "INSERT INTO main.sweep(experiment, description, file, toml, provenance, created) "
        "SELECT experiment, description, file, toml, ?2, created FROM source.sweep WHERE id = ?1",
        theirs, provenance);
    return to_.last_id();
}

void Transfer::copy_row(TrialId theirs, TrialId ours) {
    auto columns = texts(to_, columns_sql, "trial");
    std::erase_if(columns,
                  [](const auto& name) { return name == "config" || name == "sweep" || name == "evaluation"; });
    run(to_,
        fmt::format("INSERT INTO main.trial(id, config, sweep, {0}) SELECT ?1, "
                    "(SELECT o.id FROM source.config c JOIN main.config o ON o.hash = c.hash WHERE c.id = t.config), "
                    "(SELECT ours FROM temp.sweep_map WHERE theirs = t.sweep), {0} FROM source.trial t WHERE t.id = ?2",
                    fmt::join(columns, ", ")),
        ours, theirs);
}

// Metrics first: of each, the points lie together.
void Transfer::copy_part(const Part& part, TrialId theirs, TrialId ours) {
    const bool has_metric = has(part.columns, "metric"), has_evaluation = has(part.columns, "evaluation");
    std::vector<std::string> values;
    for (const auto& column : part.columns)
        values.push_back(column == "metric" ? "o.id" : column == "evaluation" ? "f.id" : "s." + column);
    run(to_,
        fmt::format(
            "INSERT INTO main.{0}(trial, {1}) SELECT ?1, {2} FROM {3}source.{0} s {4}WHERE s.trial = ?2{5}{6}",
            part.table, fmt::join(part.columns, ", "), fmt::join(values, ", "),
            has_metric ? "source.metric_name n CROSS JOIN main.metric_name o ON o.name = n.name CROSS JOIN " : "",
            has_evaluation ? "JOIN source.evaluation e ON e.id = s.evaluation "
                             "JOIN main.evaluation f ON f.trial = ?1 AND f.hash = e.hash "
                           : "",
            has_metric ? " AND s.metric = n.id" : "", part.table == "checkpoint_piece" ? named_pieces : ""),
        ours, theirs);
}

void remove_trials(Connection& connection, std::span<const TrialId> trials) {
    const auto tables = tables_of_trials(connection);
    for (const auto trial : trials) {
        const auto sweeps = sweeps_of(connection, trial);
        for (const auto& table : tables)
            run(connection, fmt::format("DELETE FROM main.{} WHERE trial = ?", table), trial);
        run(connection, "DELETE FROM request WHERE trial = ?", trial);
        run(connection, "DELETE FROM trial WHERE id = ?", trial);
        for (const auto sweep : sweeps) {
            run(connection, "DELETE FROM sweep_trial WHERE sweep = ? AND trial = ?", sweep, trial);
            run(connection,
                "DELETE FROM sweep WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM sweep_trial WHERE sweep = ?1) AND "
                "NOT EXISTS (SELECT 1 FROM trial WHERE sweep = ?1)",
                sweep);
        }
    }
}

}  // namespace marginalia::store
