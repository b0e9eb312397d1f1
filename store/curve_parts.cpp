#include "store/curve_parts.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "store/state.h"

namespace marginalia::store {

namespace {

constexpr auto first_of_all = std::numeric_limits<std::int64_t>::min();
constexpr auto last_of_all = std::numeric_limits<std::int64_t>::max();

// One row of a level, or the sum of several in a row; of a point, level 0. Infinities are left out as NaN is: nothing
// could be added to them.
struct Part {
    std::int64_t first = 0, last = 0, count = 0;
    double sum = 0, min = std::nan(""), max = std::nan(""), step_sum = 0;

    void add(const Part& next) {
        last = next.last;
        if (next.count == 0) return;
        count += next.count;
        sum += next.sum;
        step_sum += next.step_sum;
        if (!(next.min >= min)) min = next.min;
        if (!(next.max <= max)) max = next.max;
    }
};

// The rows of a level whose last steps are in a range, by these.
class LevelRows {
public:
    LevelRows(Connection& connection, TrialId trial, std::int64_t metric, int level, std::int64_t from,
              std::int64_t to = last_of_all)
        : level_(level), rows_(connection, sql_of(level), trial, metric, from, to) {}

    bool next() { return rows_.next(); }

    Part part() const {
        if (level_ > 0)
            return {rows_.integer(0), rows_.integer(1), rows_.integer(2), rows_.real(3),
                    rows_.real(4),    rows_.real(5),    rows_.real(6)};
        const auto step = rows_.integer(0);
        const double value = rows_.real(1);
        if (!std::isfinite(value)) return {step, step};
        return {step, step, 1, value, value, value, static_cast<double>(step)};
    }

private:
    // One text a level: the rows of several are read at a time.
    static std::string sql_of(int level) {
        if (level == 0)
            return "SELECT step, value FROM metric WHERE trial = ? AND metric = ? AND step BETWEEN ? AND ? "
                   "ORDER BY step";
        return fmt::format(
            "SELECT first_step, last_step, count, sum, min, max, step_sum FROM curve_part WHERE trial = ? "
            "AND metric = ? AND level = {} AND last_step BETWEEN ? AND ? ORDER BY last_step",
            level);
    }

    const int level_;
    Rows rows_;
};

std::optional<std::int64_t> end_of_level(Connection& connection, TrialId trial, std::int64_t metric, int level) {
    Rows row(connection,
             "SELECT last_step FROM curve_part WHERE trial = ? AND metric = ? AND level = ? ORDER BY last_step DESC "
             "LIMIT 1",
             trial, metric, level);
    return row.next() ? std::optional(row.integer(0)) : std::nullopt;
}

// Whether there was anything to add.
bool extend_level(Connection& connection, TrialId trial, std::int64_t metric, int level) {
    const auto end = end_of_level(connection, trial, metric, level);
    if (end == last_of_all) return false;
    const auto from = end ? *end + 1 : first_of_all;
    LevelRows rows(connection, trial, metric, level - 1, from);
    Part part;
    std::int64_t n = 0;
    bool any = false;
    while (rows.next()) {
        const Part next = rows.part();
        if (n == 0) part = {next.first, next.first};
        part.add(next);
        if (++n < part_points) continue;
        run(connection, "INSERT INTO curve_part VALUES (?,?,?,?,?,?,?,?,?,?)", trial, metric, level, part.last,
            part.first, part.count, part.sum, part.min, part.max, part.step_sum);
        any = true;
        n = 0;
    }
    return any;
}

// Puts the points of a curve into equal parts of a range of steps.
class Thinning {
public:
    Thinning(Connection& connection, TrialId trial, std::int64_t metric, StepRange range, std::int64_t parts)
        : connection_(connection), trial_(trial), metric_(metric), first_(static_cast<double>(range.first)),
          per_step_((static_cast<double>(parts) - 1) / std::max(1.0, static_cast<double>(range.last) - first_)) {}

    // What lies in these steps, both included. A row across the border of two parts is taken apart on the level below.
    void add(int level, std::int64_t from, std::int64_t to) {
        LevelRows rows(connection_, trial_, metric_, level, from, to);
        while (rows.next()) {
            const Part row = rows.part();
            const auto place = place_of(row.last);
            if (row.first < from || row.first > row.last || place_of(row.first) != place) continue;
            if (level > 0 && from < row.first) add(level - 1, from, row.first - 1);
            found[place].add(row);
            if (row.last == to) return;
            from = row.last + 1;
        }
        if (level > 0) add(level - 1, from, to);
    }

    std::map<std::int64_t, Part> found;

private:
    std::int64_t place_of(std::int64_t step) const {
        return static_cast<std::int64_t>((static_cast<double>(step) - first_) * per_step_);
    }

    Connection& connection_;
    const TrialId trial_;
    const std::int64_t metric_;
    const double first_, per_step_;
};

}  // namespace

void extend_parts(Connection& connection, TrialId trial, std::int64_t metric) {
    for (int level = 1; level <= part_levels; ++level)
        if (!extend_level(connection, trial, metric, level)) return;
}

void drop_parts(Connection& connection, TrialId trial, std::int64_t metric, std::int64_t step) {
    for (int level = 1; level <= part_levels; ++level)
        run(connection, "DELETE FROM curve_part WHERE trial = ? AND metric = ? AND level = ? AND last_step >= ?", trial,
            metric, level, step);
}

void rebuild_parts(Connection& connection) {
    run(connection, "DELETE FROM curve_part");
    std::vector<std::pair<TrialId, std::int64_t>> curves;
    {
        Rows rows(connection, "SELECT trial, metric FROM summary WHERE n >= ?", part_points);
        while (rows.next()) curves.emplace_back(rows.integer(0), rows.integer(1));
    }
    for (const auto& [trial, metric] : curves) extend_parts(connection, trial, metric);
}

std::vector<CurvePart> metric_parts(Store& store, TrialId trial, std::string_view name, std::int64_t first,
                                    std::int64_t last, std::int64_t parts) {
    const auto metric = id_of_metric(store.connection(), std::string(name));
    if (!metric) return {};
    Thinning thinning(store.connection(), trial, *metric, {first, last}, parts);
    thinning.add(part_levels, first, last);
    std::vector<CurvePart> found;
    for (const auto& [number, part] : thinning.found)
        if (part.count > 0) found.push_back({number, part.count, part.sum, part.min, part.max, part.step_sum});
    return found;
}

}  // namespace marginalia::store
