// The drawings among a trial's samples, in a terminal that is shown pictures.
#pragma once

#include <ostream>

#include "kernel/base/pictures.h"
#include "store/queries.h"

namespace marginalia {

// The newest of each name under its name: drawings, histograms and states in rows and columns. Of many, or of those
// that are too large to be drawn, the names alone.
void print_pictures(store::Store& store, const store::TrialDetails& details, const TerminalPictures& pictures,
                    std::ostream& out);

}  // namespace marginalia
