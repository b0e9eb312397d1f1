// Points of a sweep's space: {"train.learning_rate": 0.001, "network.plugin": "mlp"}.
#pragma once

#include <nlohmann/json.hpp>

#include "kernel/spec/space.h"

namespace marginalia {

// Whether a point fits a condition as the space has it (space.h). A key that the point does not have fits nothing.
bool holds(const nlohmann::json& condition, const nlohmann::json& point);

// The point of a trial's config: of the space's keys those that it has and whose conditions hold.
nlohmann::json point_of(const nlohmann::json& config, const Space& space);

}  // namespace marginalia
