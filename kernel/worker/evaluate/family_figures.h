// Figures of several energies that one model has learnt.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "kernel/worker/evaluate/evaluation.h"

namespace marginalia {

// The mean of each figure over the members, of those that all have, and of what ends in _stderr the standard error of
// the mean. One member's figures as they are.
Figures means_of(const std::vector<Figures>& members);

// The stream of a trial's seed that a member draws from where a single energy draws from `stream`: errors of members
// are then independent.
std::uint64_t member_stream(std::uint64_t stream, std::size_t member);

}  // namespace marginalia
