#include "kernel/host/results/where.h"

#include <fmt/format.h>
#include <marginalia/error.h>

#include <algorithm>
#include <utility>

#include "kernel/host/results/where_words.h"
#include "kernel/spec/metrics.h"
#include "kernel/spec/nearest.h"
#include "store/queries.h"
#include "store/saved.h"

namespace marginalia {
namespace {

using store::Comparison;
using store::Condition;
using store::ConditionValue;
using store::Subject;

constexpr std::string_view metric_mark = "metric.";

const store::ConditionColumn* find_column(std::string_view name) {
    const auto found = std::find_if(std::begin(store::condition_columns), std::end(store::condition_columns),
                                    [&](const store::ConditionColumn& column) { return column.name == name; });
    return found == std::end(store::condition_columns) ? nullptr : found;
}

class ConditionReader {
public:
    explicit ConditionReader(store::Store& store) : store_(store) {}

    Condition whole(const std::string& text, int depth) {
        if (text.size() > longest_condition)
            throw Error(fmt::format("the condition is {} bytes long; it may have {}", text.size(), longest_condition));
        ConditionWords words(text);
        Condition read = any_of(words, depth);
        if (!words.at_end()) words.fail("'and', 'or' or the condition's end");
        return read;
    }

private:
    Condition any_of(ConditionWords& words, int depth) {
        return joined(words, "or", Condition::Kind::any_of, [&] {
            return joined(words, "and", Condition::Kind::all_of, [&] { return single(words, depth); });
        });
    }

    template <class Part>
    Condition joined(ConditionWords& words, std::string_view word, Condition::Kind kind, Part&& part) {
        Condition first = part();
        if (!words.take_keyword(word)) return first;
        Condition all{kind, {std::move(first)}};
        do all.parts.push_back(part());
        while (words.take_keyword(word));
        return all;
    }

    Condition single(ConditionWords& words, int depth) {
        if (depth >= deepest_condition)
            throw Error(
                fmt::format("the condition has more than {} parentheses, 'not' and saved conditions within "
                            "each other",
                            deepest_condition));
        if (words.take_keyword("not")) return {Condition::Kind::none_of, {single(words, depth + 1)}};
        if (words.take_mark("(")) {
            Condition inner = any_of(words, depth + 1);
            if (!words.take_mark(")")) words.fail("')', 'and' or 'or'");
            return inner;
        }
        const ConditionWord name = words.take_text("a name");
        if (!name.quoted && name.text.starts_with('@')) return saved(name.text.substr(1), depth + 1);
        return comparison(words, name.text);
    }

    Condition saved(const std::string& name, int depth) {
        const std::optional<store::SavedQuery> found = store::find_saved_query(store_, name);
        if (found && found->is_condition) return whole(found->text, depth);
        std::vector<std::string> known;
        for (const store::SavedQuery& each : store::saved_queries(store_))
            if (each.is_condition) known.push_back(each.name);
        throw Error(fmt::format("no condition is saved as '{}'{}", name, suggestion(name, known, "saved conditions")));
    }

    Condition comparison(ConditionWords& words, const std::string& name) {
        if (++comparisons_ > most_comparisons)
            throw Error(fmt::format("the condition has more than {} comparisons", most_comparisons));
        Condition read;
        const bool negated = words.take_keyword("not");
        if (words.take_keyword("in")) {
            read.comparison = Comparison::one_of;
            read.values = list_of_values(words);
        } else if (words.take_keyword("like")) {
            read.comparison = Comparison::like;
            read.values = {value(words)};
        } else if (negated) {
            words.fail("'in' or 'like'");
        } else if (words.take_mark("~")) {
            read.comparison = Comparison::like;
            read.values = {containing(value(words).text)};
        } else {
            read.comparison = operator_of(words);
            read.values = {value(words)};
        }
        values_ += std::ssize(read.values);
        if (values_ > most_values) throw Error(fmt::format("the condition has more than {} values", most_values));
        name_subject(read, name);
        check_values(read, name);
        if (!negated) return read;
        return {Condition::Kind::none_of, {std::move(read)}};
    }

    static Comparison operator_of(ConditionWords& words) {
        static constexpr std::pair<const char*, Comparison> operators[] = {
            {"=", Comparison::equal},     {"==", Comparison::equal},   {"!=", Comparison::unequal},
            {"<>", Comparison::unequal},  {"<=", Comparison::at_most}, {"<", Comparison::less},
            {">=", Comparison::at_least}, {">", Comparison::more}};
        for (const auto& [mark, comparison] : operators)
            if (words.take_mark(mark)) return comparison;
        words.fail("one of = != < <= > >= ~, 'in' or 'like'");
    }

    static ConditionValue value(ConditionWords& words) {
        const ConditionWord word = words.take_text("a value");
        return {word.text, word.quoted};
    }

    static std::vector<ConditionValue> list_of_values(ConditionWords& words) {
        if (!words.take_mark("(")) words.fail("'(' and the values");
        std::vector<ConditionValue> values;
        do values.push_back(value(words));
        while (words.take_mark(","));
        if (!words.take_mark(")")) words.fail("',' or ')'");
        return values;
    }

    static ConditionValue containing(const std::string& text) {
        std::string pattern = "%";
        for (const char c : text) {
            if (c == '%' || c == '_' || c == '\\') pattern += '\\';
            pattern += c;
        }
        return {pattern + "%", true};
    }

    void name_subject(Condition& condition, const std::string& name) {
        condition.name = name;
        if (find_column(name)) return;
        if (name.starts_with(metric_mark) && is_metric(name.substr(metric_mark.size()))) {
            condition.subject = Subject::metric;
            condition.name = name.substr(metric_mark.size());
            return;
        }
        std::vector<std::string> keys = store::config_keys(store_, name);
        if (keys.size() > 1)
            throw Error(fmt::format("'{}' may be any of {}; write one of them{}", name, listed(keys),
                                    is_metric(name) ? fmt::format(", or {}{}", metric_mark, name) : ""));
        if (!keys.empty()) {
            condition.subject = Subject::key;
            condition.name = keys.front();
        } else if (is_metric(name)) {
            condition.subject = Subject::metric;
        } else if (const std::string plugin = name + ".plugin"; !store::config_keys(store_, plugin).empty()) {
            condition.subject = Subject::key;
            condition.name = plugin;
        } else {
            throw unknown(name);
        }
    }

    // Those that evaluations are known to have count before any trial has one.
    bool is_metric(const std::string& name) {
        return store::has_metric(store_, name) || contains(known_metrics(), name);
    }

    Error unknown(const std::string& name) {
        std::vector<std::string> whole = store::metric_names(store_), last;
        for (const store::ConditionColumn& column : store::condition_columns) whole.emplace_back(column.name);
        const std::vector<std::string> keys = store::config_keys(store_, "");
        whole.insert(whole.end(), keys.begin(), keys.end());
        std::string meant = nearest(name, whole);
        for (const std::string& key : keys) last.push_back(key.substr(key.rfind('.') + 1));
        if (const std::string near = nearest(name, last); meant.empty() && !near.empty())
            meant = keys[static_cast<std::size_t>(std::find(last.begin(), last.end(), near) - last.begin())];
        return Error(fmt::format("'{}' is neither a config key nor a metric nor a column of trials{}", name,
                                 meant.empty() ? "; `marginalia show TRIAL` lists the keys and metrics of one"
                                               : fmt::format("; did you mean '{}'?", meant)));
    }

    static void check_values(const Condition& condition, const std::string& name) {
        const store::ConditionColumn* column =
            condition.subject == Subject::column ? find_column(condition.name) : nullptr;
        if (column && column->name == "status" && condition.comparison != Comparison::like) check_statuses(condition);
        const bool is_number = column ? column->is_number : condition.subject == Subject::metric;
        if (!is_number) return;
        if (condition.comparison == Comparison::like)
            throw Error(fmt::format("'{}' is a number, which 'like' and ~ cannot search", name));
        for (const ConditionValue& value : condition.values)
            if (!store::number_in(value))
                throw Error(fmt::format("'{}' is a number and cannot be compared with '{}'", name, value.text));
    }

    static void check_statuses(const Condition& condition) {
        std::vector<std::string> known;
        for (const store::StatusFacts& status : store::statuses) known.emplace_back(status.name);
        for (const ConditionValue& value : condition.values)
            if (!contains(known, value.text))
                throw Error(
                    fmt::format("'{}' is not a status{}", value.text, suggestion(value.text, known, "statuses")));
    }

    store::Store& store_;
    int comparisons_ = 0;
    std::ptrdiff_t values_ = 0;
};

}  // namespace

store::Condition read_condition(store::Store& store, const std::string& condition) {
    return ConditionReader(store).whole(condition, 0);
}

std::vector<store::TrialId> trials_where(store::Store& store, const std::string& condition) {
    return store::trials_that_meet(store, read_condition(store, condition));
}

std::optional<std::vector<store::TrialId>> chosen_by(store::Store& store, const std::string& condition) {
    return condition.empty() ? std::nullopt : std::optional(trials_where(store, condition));
}

}  // namespace marginalia
