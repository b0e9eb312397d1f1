// The space that a sweep searches, for programs that choose trials themselves: `marginalia ask` prints it.
//
// As JSON:
//   {"parameters": [
//      {"key": "train.learning_rate", "kind": "float", "low": 1e-4, "high": 1e-2, "log": true},
//      {"key": "network.mlp.hidden", "kind": "int", "low": 32, "high": 256, "step": 32,
//       "condition": {"network.plugin": ["mlp"]}},
//      {"key": "train.schedule", "kind": "choice", "choices": ["constant", "cosine"]},
//      {"key": "energy.rows", "kind": "choice", "choices": [4, 6], "zip": 1},
//      {"key": "energy.columns", "kind": "choice", "choices": [4, 6], "zip": 1}],
//    "exclude": [{"train.batch": [512], "train.learning_rate": {"above": 0.01}}]}
//
// A condition, and what is left out, names keys with what they are: one of a list of values, or a number within bounds
// ("above", "below": without the bound, "at_least", "at_most": with it). All of its keys must fit.
//
// A trial of the space is the experiment file with one override KEY=VALUE for each parameter whose condition holds and
// ~KEY for the others: read_experiment then gives that one trial, in which a key that is not there has the value of its
// table or its default. What an exclude fits is refused.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace marginalia {

// One swept key.
struct SpaceParameter {
    enum class Kind { number, integer, choice };  // "float", "int", "choice"

    std::string key;  // as in [sweep] and in an override
    Kind kind = Kind::choice;
    double low = 0, high = 0;                  // of a number or an integer: bounds, included
    bool log = false;                          // uniform in the logarithm
    double step = 0;                           // values are low, low + step, ..., high; 0: all between
    std::vector<nlohmann::json> choices = {};  // of a choice: what the file lists, or what its range comes to
    nlohmann::json condition = nullptr;        // null: the key is in every trial
    int zip = 0;  // above 0: moves with the other keys of that number, so that all have the choice of one place
};
void to_json(nlohmann::json&, const SpaceParameter&);

struct Space {
    std::vector<SpaceParameter> parameters;  // in the order of the sweep's axes
    std::vector<nlohmann::json> exclude;     // as a condition
};
void to_json(nlohmann::json&, const Space&);

}  // namespace marginalia
