// Regions of sites, as people write them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <marginalia/states.h>

namespace marginalia {

struct Region {
    std::string name;
    std::vector<std::int64_t> sites;  // each once, in ascending order
};

// The region that a text names, the union of its parts divided by ';'. A part is
//   0, 1, 5-9              sites by number, the last axis of the layout counting fastest
//   rows 0-3, columns 0-7  places along axes by name (layers, rows, columns; sites of a sequence), other axes whole
//   [0:4, 0:8:2]           a slice for each axis from the first as NumPy has them, its end left out, other axes whole
//   all, half              every site; the first half of the first axis that can be halved
// Throws Error with the region's name, what is wrong and what there is.
Region read_region(const std::string& name, std::string_view text, const Layout& layout);

}  // namespace marginalia
