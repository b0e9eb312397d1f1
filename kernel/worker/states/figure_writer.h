// Figures of regions and pairs of sites, and how they are written.
#pragma once

#include <cstdint>
#include <limits>
#include <ostream>
#include <span>
#include <string>

#include "kernel/wire/state_format.h"

namespace marginalia {

inline constexpr double not_known = std::numeric_limits<double>::quiet_NaN();

// What it is, see docs/inference.md ("Regions and pairs"). Of what is not known there is NaN.
struct Figure {
    std::string name;        // "entropy"
    std::string of;          // of which region, or which sites
    std::int64_t sites = 0;  // that it is about
    double value = not_known;
    double error = not_known;                       // standard error
    double gap = not_known, gap_error = not_known;  // what it is more than by the conditionals
    double breach = not_known;                      // of normalisation: sum of p less 1
    double exact = not_known;                       // the same of the energy itself
    std::string by = {};                            // how it was found
    std::int64_t count = 0;                         // of states or pairs of sites
};

// Figures as
//   text  a table for people, without the columns in which nothing is known
//   csv   figure,of,sites,value,stderr,gap,gap_stderr,normalisation_error,exact,by,count
//   json  an object a line with the same names, null for what is not known
void write_figures(std::span<const Figure> figures, StateFormat format, std::ostream& out);

}  // namespace marginalia
