// Conditions on trials as people write them: --where 'train.batch >= 64 and kl < 0.1 and tag = good'.
//
//   condition   comparisons joined by `and`, `or` and `not`, in parentheses where needed; @NAME is a saved condition
//   comparison  NAME = VALUE, also != < <= > >=; NAME in (VALUE, ...); NAME like PATTERN, as SQL has it; NAME ~ TEXT,
//               which it contains; `not in` and `not like`
//   NAME        a column (store::condition_columns), a config key or the last part of one (`network`: network.plugin),
//   a
//               metric; of a key and a metric of one name the key is meant, and metric.NAME is the metric. In quotes
//               where it has unusual characters
//   VALUE       a number, or a text, in quotes where it has other characters than a name may have
//
// A trial without the key or the figure, or whose figure is NaN, meets no comparison of it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "store/condition.h"

namespace marginalia {

inline constexpr std::size_t longest_condition = 4000;  // bytes, each saved one by itself
inline constexpr int deepest_condition = 50;            // parentheses, `not` and saved conditions within each other
inline constexpr int most_comparisons = 200;
inline constexpr int most_values = 2000;

// The trials of a store that meet a condition, by number. Throws Error, in one sentence, for a condition that is wrong
// or beyond these bounds, and for a name that is of nothing, with the nearest name there is.
std::vector<store::TrialId> trials_where(store::Store& store, const std::string& condition);

// The same for an option --where, which may be left out: nullopt, as TrialFilter::only has it.
std::optional<std::vector<store::TrialId>> chosen_by(store::Store& store, const std::string& condition);

// The condition as a tree, what its names mean looked up in the store.
store::Condition read_condition(store::Store& store, const std::string& condition);

}  // namespace marginalia
