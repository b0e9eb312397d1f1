// Sites that may be drawn at once.
#pragma once

#include <cstdint>
#include <vector>

#include <marginalia/energy_form.h>

namespace marginalia {

// The pairs that hold a site: the other one, and where it is the second site of the pair.
struct Neighbour {
    std::uint32_t site, table;
    bool first;  // the neighbour is the first of the pair
};
using Neighbours = std::vector<std::vector<Neighbour>>;  // by site

Neighbours neighbours_of(const EnergyForm& form, std::int64_t sites);

// Classes of sites of which no two are neighbours; as few as a greedy choice in order of breadth finds, so two for a
// bipartite graph. Within a class none has more than eight times as many neighbours as another that has some, as all
// are filled up to the same number; the class is divided for that.
std::vector<std::vector<std::int64_t>> colour_classes(const Neighbours& neighbours);

}  // namespace marginalia
