// How a lattice ends.
#pragma once

#include <string_view>

#include <marginalia/params.h>

namespace factor_graph {

// Of a torus all opposite sides are neighbours; of a cylinder those at the ends of the columns' axis, so that each row
// is a ring.
enum class Boundary { open, cylinder, torus };

inline constexpr marginalia::Parameter torus_parameter = {
    .name = "torus",
    .type = marginalia::ParameterType::boolean,
    .fallback = "true",
    .help = "false: the same as boundary = \"open\", which came later"};

inline constexpr marginalia::Parameter boundary_parameter = {
    .name = "boundary",
    .type = marginalia::ParameterType::text,
    .fallback = "\"torus\"",
    .choices = "torus|cylinder|open",
    .help = "which opposite sides are neighbours: all, the first and the last column, none",
    .absent = "\"torus\""};

inline Boundary boundary_of(const marginalia::Params& p) {
    const std::string_view word = p.text(boundary_parameter.name);
    if (word == "cylinder") return Boundary::cylinder;
    return word == "torus" && p.boolean(torus_parameter.name) ? Boundary::torus : Boundary::open;
}

}  // namespace factor_graph
