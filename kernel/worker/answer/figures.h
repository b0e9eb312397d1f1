// Figures of regions and pairs of sites, by a trained model.
#pragma once

#include "kernel/worker/answer/asked.h"

namespace marginalia {

// Answers asked.request.figures, given the state that the request names, if any: the free energy, the regions'
// entropies and mutual informations (region_figures.h), then correlations (pair_figures.h). Written as figure_writer.h
// has it, once all are known. Needs a model whose marginals are trained.
//
// Throws Error naming the region, pair or state that is wrong, and for what the trial does not know.
void answer_figures(Asked& asked);

}  // namespace marginalia
