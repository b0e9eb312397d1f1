// The variables that a network, sampler or objective is to be checked on, from words of the command line.
#pragma once

#include <marginalia/states.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "kernel/spec/node.h"

namespace marginalia {

// Sites in `layout`, K categories each.
struct GivenDomain {
    Layout layout{{6}, false};
    std::int64_t categories = 2;
};

// Takes the words domain.shape=4x4, domain.categories=3 and domain.periodic=true out of `words`; nullopt if there are
// none. Throws Error naming the word.
std::optional<GivenDomain> take_domain(std::vector<std::string>& words);

// The same from a [domain] table: shape = "4x4" or [4, 4], categories, periodic.
GivenDomain domain_of_table(const config::Node& table);

// "3x4 torus of 2 categories", "6 sites of 3 categories"
std::string domain_text(const Layout& layout, std::int64_t categories);

}  // namespace marginalia
