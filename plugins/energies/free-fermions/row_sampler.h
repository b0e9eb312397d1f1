// Independent states of spins without a field on an open lattice or a cylinder.
#pragma once

#include <cstddef>
#include <vector>

#include <marginalia/random.h>

#include "sheet.h"

namespace free_fermions {

// From the last row up, each given the one below: with psi the sum over all rows above (SpinLine) and A the row's own
// bonds and those to the row below, p(s) is A(s) psi(s) / <A| psi>. Whether two neighbours are equal has a probability
// of (1 + g) / 2 by their Transition, which is then cut down to what was drawn; the row as a whole is turned by its
// bonds to the row below. About 12 columns^3 operations a row.
//
// Threads: any number may draw at once.
class RowSampler {
public:
    explicit RowSampler(Sheet sheet);  // which does not close downwards

    struct Draw {
        std::vector<double> spins;  // +1 or -1 of each site
        double log_p;  // of the state, by the conditionals: log f - log Z, less what rounding has left of them
    };
    Draw draw(marginalia::FastRandom& random) const;

private:
    Sheet sheet_;
    const std::vector<double> turned_;        // spins of which sheet_ has the opposite
    std::vector<std::vector<double>> above_;  // of each row psi's matrix, without the row's own bonds
};

}  // namespace free_fermions
