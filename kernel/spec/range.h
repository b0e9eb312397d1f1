// Ranges and random draws of a sweep as lists of values.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "kernel/spec/faults.h"
#include "kernel/spec/node.h"
#include "kernel/spec/schema.h"

namespace marginalia::config {

// { random = [a, b] }, { random_log = [a, b] } and { choice = [...] } are drawn; lists, lin and log are not.
bool is_draw(const Node& values);

// What decides whether all values are allowed: the bounds of a range, as values, or the items of a list. Empty if it is
// not well formed, which the functions below tell.
std::vector<Node> extremes_of(const Node& values, ParameterType type);

// The values of a list or of { lin = [a, b], n = k } or { log = [a, b], n = k }, rounded and without repeats for an
// integer. `type` is of the parameter called `key`. Empty after a fault, which is added.
std::vector<Node> values_of(const Node& values, const std::string& key, ParameterType type, Faults& faults);

// `samples` values drawn uniformly, log-uniformly or from the choices. They depend on seed and key only, so that
// another key in the sweep leaves them as they are. Empty after a fault.
std::vector<Node> drawn_values(const Node& values, const std::string& key, ParameterType type, std::int64_t samples,
                               std::int64_t seed, Faults& faults);

}  // namespace marginalia::config
