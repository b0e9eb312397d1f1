// Conditions on trials, as --where asks them: a tree of comparisons, and the trials that meet it.
//
// kernel/host/results/where.h reads one from text and finds out what its names mean.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "store/store.h"

namespace marginalia::store {

// What a comparison is about.
enum class Subject {
    column,  // one of condition_columns
    key,     // of the trial's config: "train.batch"
    metric   // its final value, else the last one recorded
};

// A column of conditions. A trial has any number of tags and notes, and meets a comparison by any one of them.
struct ConditionColumn {
    std::string_view name;
    bool is_number;
    std::string_view sql;    // over `trial t`, NULL where the trial has none; of tags and notes, over their table
    std::string_view table;  // of tags and notes
};
inline constexpr ConditionColumn condition_columns[] = {
    {"trial", true, "t.id", ""},
    {"experiment", false, "t.experiment", ""},
    {"status", false, "t.status", ""},
    {"seed", true, "t.seed", ""},
    {"device", false, "nullif(t.device, '')", ""},
    {"host", false, "nullif(t.host, '')", ""},
    {"error", false, "nullif(t.error, '')", ""},
    {"seconds", true, "t.ran / 1000.0", ""},
    {"created", false, "strftime('%Y-%m-%dT%H:%M:%fZ', t.created / 1000.0, 'unixepoch')", ""},
    {"tag", false, "x.name", "tag"},
    {"note", false, "x.text", "note"}};

enum class Comparison { equal, unequal, less, at_most, more, at_least, one_of, like };

// A value as it was written. A config key is compared with it as a number if it is one and stood without quotes.
struct ConditionValue {
    std::string text;
    bool quoted = false;
};
std::optional<double> number_in(const ConditionValue& value);  // true and false count as 1 and 0

// A comparison with what a trial lacks, or with a NaN, is false, `unequal` too; none_of turns that round.
struct Condition {
    enum class Kind { comparison, all_of, any_of, none_of };
    Kind kind = Kind::comparison;
    std::vector<Condition> parts = {};  // of the other three kinds

    Subject subject = Subject::column;
    std::string name = {};
    Comparison comparison = Comparison::equal;
    std::vector<ConditionValue> values = {};  // several of one_of; the pattern of `like`, as SQL writes it
};

// By number. No points are read. A comparison of a number with a text, or a `like` of one, finds nothing.
std::vector<TrialId> trials_that_meet(Store&, const Condition& condition);

// The keys of the configs that trials have, as "train.batch", that are `name` or end in it after a dot, sorted: the
// whole name alone if it is one. Empty `name`: all keys.
std::vector<std::string> config_keys(Store&, std::string_view name);

// Whether a trial has recorded a metric of this name.
bool has_metric(Store&, std::string_view name);

}  // namespace marginalia::store
