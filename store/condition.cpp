#include "store/condition.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "store/queries.h"
#include "store/state.h"

namespace marginalia::store {

namespace {

constexpr int most_keys = 10'000;  // of a store that somebody made to have more

// A condition becomes one expression over `trial t`, its config `c` and its evaluation `e`; every name and value in it
// is a parameter.
class ConditionSql {
public:
    std::string expression(const Condition& condition) {
        if (condition.kind == Condition::Kind::comparison) return comparison(condition);
        std::string sql;
        const std::string_view between = condition.kind == Condition::Kind::all_of ? " AND " : " OR ";
        for (const auto& part : condition.parts) sql += (sql.empty() ? "" : std::string(between)) + expression(part);
        return fmt::format("{}({})", condition.kind == Condition::Kind::none_of ? "NOT " : "", sql);
    }

    const std::vector<SqlValue>& values() const { return values_; }

private:
    enum class As { number, text, written };  // written: by the value's own looks

    std::string bound(SqlValue value) {
        values_.push_back(std::move(value));
        return fmt::format("?{}", values_.size());
    }

    std::string bound(const ConditionValue& value, As as) {
        const auto number = number_in(value);
        if (as == As::text || (as == As::written && (value.quoted || !number))) return bound(value.text);
        std::int64_t whole = 0;
        const char* end = value.text.data() + value.text.size();
        const auto [stop, error] = std::from_chars(value.text.data(), end, whole);
        return error == std::errc() && stop == end ? bound(whole) : bound(number.value_or(std::nan("")));
    }

    std::string comparison(const Condition& condition) {
        if (condition.subject == Subject::metric) return of_metric(condition);
        if (condition.subject == Subject::key) return of_key(condition);
        const auto& column = *std::ranges::find(condition_columns, condition.name, &ConditionColumn::name);
        const auto as = column.is_number ? As::number : As::text;
        if (column.table.empty()) return fmt::format("({}) IS TRUE", test(column.sql, condition, as));
        auto has = condition;
        if (condition.comparison == Comparison::unequal) has.comparison = Comparison::equal;
        return fmt::format("{}EXISTS (SELECT 1 FROM {} x WHERE x.trial = t.id AND {})",
                           has.comparison == condition.comparison ? "" : "NOT ", column.table,
                           test(column.sql, has, as));
    }

    // Walks the indexes by value, of which a condition on a metric mostly wants a small part.
    std::string of_metric(const Condition& condition) {
        const auto metric = fmt::format("(SELECT id FROM metric_name WHERE name = {})", bound(condition.name));
        const auto final_value = test("f.value", condition, As::number), last = test("s.last", condition, As::number);
        return fmt::format(
            "t.id IN (SELECT f.trial FROM final_metric f WHERE f.metric = {0} AND {1} UNION ALL SELECT s.trial FROM "
            "summary s WHERE s.metric = {0} AND {2} AND NOT EXISTS (SELECT 1 FROM final_metric f WHERE "
            "f.trial = s.trial AND f.metric = s.metric))",
            metric, final_value, last);
    }

    std::string of_key(const Condition& condition) {
        std::string path = "$";
        for (std::string_view rest = condition.name; !rest.empty();) {
            const auto end = std::min(rest.find('.'), rest.size());
            path += fmt::format(".\"{}\"", rest.substr(0, end));
            rest.remove_prefix(std::min(end + 1, rest.size()));
        }
        const auto found = fmt::format("coalesce(json_extract(c.json, {0}), json_extract(e.json, {0}))", bound(path));
        const bool is_like = condition.comparison == Comparison::like;
        const auto told = fmt::format("({}) IS TRUE", test(found, condition, is_like ? As::text : As::written));
        if (condition.comparison == Comparison::equal || condition.comparison == Comparison::unequal ||
            condition.comparison == Comparison::one_of)
            return told;
        // SQLite has an order between numbers and texts.
        const auto& value = condition.values.front();
        const bool of_numbers = !is_like && !value.quoted && number_in(value).has_value();
        return fmt::format("(typeof({}) {} 'text' AND {})", found, of_numbers ? "<>" : "=", told);
    }

    std::string test(std::string_view subject, const Condition& condition, As as) {
        const auto value = [&] { return bound(condition.values.front(), as); };
        switch (condition.comparison) {
            case Comparison::equal: return fmt::format("{} = {}", subject, value());
            case Comparison::unequal: return fmt::format("{} <> {}", subject, value());
            case Comparison::less: return fmt::format("{} < {}", subject, value());
            case Comparison::at_most: return fmt::format("{} <= {}", subject, value());
            case Comparison::more: return fmt::format("{} > {}", subject, value());
            case Comparison::at_least: return fmt::format("{} >= {}", subject, value());
            case Comparison::like: return fmt::format("{} LIKE {} ESCAPE '\\'", subject, value());
            case Comparison::one_of: break;
        }
        std::string list;
        for (const auto& each : condition.values) list += (list.empty() ? "" : ", ") + bound(each, as);
        return fmt::format("{} IN ({})", subject, list);
    }

    std::vector<SqlValue> values_;
};

constexpr std::string_view all_configs = "(SELECT json FROM config UNION ALL SELECT DISTINCT json FROM evaluation)";

bool is_key(Connection& connection, std::string_view name) {
    std::string path = "$.\"";
    for (const char c : name) path += c == '.' ? "\".\"" : std::string(1, c);
    Rows row(connection, fmt::format("SELECT 1 FROM {} j WHERE json_type(j.json, ?) <> 'object' LIMIT 1", all_configs),
             path + '"');
    return row.next();
}

}  // namespace

std::optional<double> number_in(const ConditionValue& value) {
    if (value.text == "true") return 1;
    if (value.text == "false") return 0;
    double number = 0;
    const char* end = value.text.data() + value.text.size();
    const auto [stop, error] = std::from_chars(value.text.data(), end, number);
    return error == std::errc() && stop == end ? std::optional(number) : std::nullopt;
}

std::vector<TrialId> trials_that_meet(Store& store, const Condition& condition) {
    ConditionSql sql;
    const auto expression = sql.expression(condition);
    Rows rows(store.connection(),
              "SELECT t.id FROM trial t LEFT JOIN config c ON c.id = t.config LEFT JOIN evaluation e "
              "ON e.id = t.evaluation WHERE " +
                  expression + " ORDER BY t.id",
              sql.values());
    std::vector<TrialId> trials;
    while (rows.next()) trials.push_back(rows.integer(0));
    return trials;
}

bool has_metric(Store& store, std::string_view name) {
    Rows row(store.connection(), "SELECT 1 FROM metric_name WHERE name = ?", name);
    return row.next();
}

std::vector<std::string> config_keys(Store& store, std::string_view name) {
    if (name.find_first_of("\"\\[") != name.npos) return {};
    const bool has_table = name.find('.') != name.npos;
    if (has_table && is_key(store.connection(), name)) return {std::string(name)};
    // Texts without the last part of the name are passed over before anything is taken apart.
    const auto last = name.substr(name.rfind('.') + 1);
    Rows rows(
        store.connection(),
        fmt::format("SELECT DISTINCT replace(substr(k.fullkey, 3), '\"', '') AS name FROM {} j, "
                    "json_tree(j.json) k WHERE (?1 = '' OR instr(j.json, ?1) > 0) AND (?1 = '' OR k.key = ?2) AND "
                    "k.type <> 'object' AND instr(k.fullkey, '[') = 0 AND instr(k.fullkey, '\\') = 0 "
                    "ORDER BY name LIMIT ?3",
                    all_configs),
        name.empty() ? std::string() : fmt::format("\"{}\":", last), last, most_keys);
    const auto end = fmt::format(".{}", name);
    std::vector<std::string> keys;
    while (rows.next()) {
        auto key = rows.text(0);
        if (!name.empty() && key == name) return {key};
        if (name.empty() || key.ends_with(end)) keys.push_back(std::move(key));
    }
    return keys;
}

}  // namespace marginalia::store
