// How a lattice ends.
#pragma once

#include <string_view>

#include <marginalia/params.h>

namespace factor_graph {

// Of a torus all opposite sides are neighbours; of a cylinder those at the ends of the columns' axis, so that each row
// is a ring.
enum class Boundary { open, cylinder, torus };

inline constexpr marginalia::Parameter boundary_parameter = {
    .name = "boundary",
    .type = marginalia::ParameterType::text,
    .fallback = "\"torus\"",
    .choices = "torus|cylinder|open",
    .help = "which opposite sides are neighbours: all, the first and the last column, none"};

inline Boundary boundary_of(const marginalia::Params& p) {
    const std::string_view word = p.text(boundary_parameter.name);
    return word == "torus" ? Boundary::torus : word == "cylinder" ? Boundary::cylinder : Boundary::open;
}

}  // namespace factor_graph
