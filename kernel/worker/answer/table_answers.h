// Answers where states are rows of a table: sites that hold real numbers or different numbers of symbols. All
// that is read and written is in the units and words of the columns, and so are densities.
#pragma once

#include "kernel/worker/answer/asked.h"

namespace marginalia {

// Whether the model's states are such rows.
bool has_table(const TrialParts& parts);

// sample, complete, marginals. Throws Error for what is not offered for such rows.
void answer_of_table(Asked& asked);

// score: CSV with row, log_marginal where the objective trains it, log_density.
void score_table(Asked& asked);

// The same of an energy alone: row, log_f, its observables.
void score_table(const TrialParts& parts, const InferenceRequest& request, std::ostream& out);

}  // namespace marginalia
