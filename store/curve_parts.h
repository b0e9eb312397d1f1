// Parts of learning curves, added up while they are written, so that a curve of millions of points is thinned without
// reading them. Internal to store/.
//
// A part is so many points in a row: `part_points` at level 1, `part_points` parts of the level below at each further
// one. Parts are a mirror of the points and never the only place of anything: where some are missing, the points are
// read in their place.
#pragma once

#include "store/queries.h"

namespace marginalia::store {

class Connection;

inline constexpr std::int64_t part_points = 128;
inline constexpr int part_levels = 2;

// Adds the parts that are whole and missing at the end of a curve.
void extend_parts(Connection& connection, TrialId trial, std::int64_t metric);

// Removes those with a point at `step` or beyond it.
void drop_parts(Connection& connection, TrialId trial, std::int64_t metric, std::int64_t step);

// Of all curves anew, from their points, all of which it reads.
void rebuild_parts(Connection& connection);

}  // namespace marginalia::store
