// How the drawn keys of a sweep are drawn: points of the unit interval, which range.h turns into values.
//
// Every draw is a function of the seed, the key's name and the draw's number alone, but that Sobol points depend on
// which dimension a key has as well. So the order of the keys in the file changes nothing, and more samples keep the
// old ones.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "kernel/spec/faults.h"
#include "kernel/spec/node.h"

namespace marginalia::config {

enum class DrawMethod {
    random,           // independent draws
    sobol,            // a Sobol sequence with the direction numbers of S. Joe and F. Y. Kuo, SIAM J. Sci. Comput. 30,
                      // 2635 (2008), a dimension a key, each shifted digit by digit (modulo 2) by bits of seed and key
    latin_hypercube,  // of every key one draw a stratum, in an order of its own; draws double to fill strata of half
                      // the width
};

// What [sweep] says of its draws.
struct DrawPlan {
    DrawMethod method = DrawMethod::random;
    std::int64_t samples = 0;
    std::int64_t seed = 0;
    std::int64_t strata = 1;              // of a Latin hypercube: the first 1, 2, 4, 8 ... times so many draws are one
    std::vector<std::string> dimensions;  // of Sobol: keys in the order of their dimensions; the others follow by name
};

// The most dimensions for which there are direction numbers (Boost.Random's table).
constexpr std::size_t most_dimensions = 3667;

// What [sweep] draws = "..." may be.
const std::vector<std::string>& draw_methods();

// The keys of [sweep] that say how keys are drawn: samples, seed, draws, strata, dimensions.
bool is_about_draws(const std::string& key);

// Reads them from a flat [sweep] table. `drawn` are the drawn keys and `first` is where the first of them stands.
// `refused`: a key that cannot be drawn was, which has been reported, so that no drawn key need be there. Faults are
// added.
DrawPlan read_draw_plan(const Node& sweep, const std::vector<std::string>& drawn, Place first, bool refused,
                        Faults& faults);

// Drawn keys and names in the order of their Sobol dimensions: first those of `dimensions`, then the others by name.
std::vector<std::string> sobol_order(std::vector<std::string> dimensions, std::vector<std::string> keys);

// Of each key `plan.samples` numbers in [0, 1). At most most_dimensions keys.
std::map<std::string, std::vector<double>> unit_draws(const DrawPlan& plan, const std::vector<std::string>& keys);

}  // namespace marginalia::config
