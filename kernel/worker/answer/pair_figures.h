// Correlations of pairs of sites, from their marginals.
#pragma once

#include <vector>

#include "kernel/worker/answer/conditioned.h"
#include "kernel/worker/states/figure_writer.h"

namespace marginalia {

// The connected correlation of sites i and j given x_S: <o(x_i, x_j)> under p(x_i, x_j | x_S) less the same under
// p(x_i | x_S) p(x_j | x_S), each normalised by its own sum; o is s_i s_j of spins s = 2x - 1 where K = 2, else whether
// both symbols are the same. One pass each of K^2 states a pair and K a site. The breach is the largest of the pairs';
// the gap, where nothing is given, is to the same of the conditionals, whose states are along a random order each.
//
// Where the request asks for correlations: a figure for each axis of the layout and each distance of up to half its
// extent, the mean over all pairs of unknown sites so far apart, across the edges where it is periodic. Then one for
// each of the request's pairs. Throws Error for a site that is not there or known, and for a pair of one site.
std::vector<Figure> pair_figures(Asked& asked, const Conditioned& conditioned);

}  // namespace marginalia
