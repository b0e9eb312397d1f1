// The symmetry of all symbols, imposed on any network by one image of a state in place of all.
#pragma once

#include <marginalia/network.h>

namespace marginalia {

// A module that hands each state to `inner` with its symbols renamed: the commonest known symbol becomes 0, the next 1,
// and so on, and of equally common ones that which is known at an earlier site. Logits are given their names back, and
// symbols that no site is known to have share the mean of theirs. Both heads then follow every permutation of the
// symbols exactly, at the cost of one pass, where the mean over all images costs K!. Throws Error for a network whose
// sum rule is exact, which this would end.
torch::jit::Module* with_renamed_symbols(const torch::jit::Module& inner, const Domain& domain);

}  // namespace marginalia
