// Models of single variables and pairs as the plain form that devices evaluate.
#pragma once

#include <marginalia/energy_form.h>

#include <optional>

#include "model.h"

namespace factor_graph {

// nullopt where a factor has more than two variables or is 0 somewhere, or variables differ in their number of values.
std::optional<marginalia::EnergyForm> pairwise_form(const Model& model);

}  // namespace factor_graph
