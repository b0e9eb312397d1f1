// Ranges and random draws of a sweep as lists of values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "kernel/spec/faults.h"
#include "kernel/spec/node.h"
#include "kernel/spec/schema.h"

namespace marginalia::config {

// { random = [a, b] }, { random_log = [a, b] } and { choice = [...] } are drawn; lists, lin and log are not.
bool is_draw(const Node& values);

// What decides whether all values are allowed: the bounds of a range, as values, or the items of a list. Empty if it is
// not well formed, which the functions below report.
std::vector<Node> extremes_of(const Node& values, ParameterType type);

// The values of a list or of { lin = [a, b], n = k } or { log = [a, b], n = k }, rounded and without repeats for an
// integer. `type` is of the parameter called `key`. Empty after a fault, which is added.
std::vector<Node> values_of(const Node& values, const std::string& key, ParameterType type, Faults& faults);

// What a key can be in a sweep: a range of numbers, bounds included, or one of some values.
struct Domain {
    Place place{};
    double low = 0, high = 0;
    bool log = false;                // uniform in the logarithm
    double step = 0;                 // between neighbouring values, from `low` on; 0: none given
    std::vector<Node> choices = {};  // empty: the range

    // Whole steps that fit into the range; a little is forgiven, so that a step of 0.1 reaches from 0 to 1.
    std::int64_t steps() const { return static_cast<std::int64_t>((high - low) / step * (1 + 1e-12)); }
    double last() const { return step > 0 ? low + step * static_cast<double>(steps()) : high; }
};

// That of any form, nullopt after a fault, which is added.
std::optional<Domain> domain_of(const Node& values, const std::string& key, ParameterType type, Faults& faults);

// The value for a point `u` of [0, 1), uniform in it where the point is.
Node value_at(const Domain& domain, double u, ParameterType type);

}  // namespace marginalia::config
