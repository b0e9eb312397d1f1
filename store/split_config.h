// What a trial's config consists of: what shapes its weights, and how they are evaluated. The store cannot tell.
#pragma once

#include <functional>
#include <optional>
#include <string>

namespace marginalia::store {

struct ConfigParts {
    std::string training, training_hash;      // canonical JSON and its identity
    std::string evaluation, evaluation_hash;  // the same of the tables that say how the trial is evaluated
};

// Takes the config of a trial apart as stores before layout 3 have it; nullopt: it says nothing of an evaluation.
using SplitConfig = std::function<std::optional<ConfigParts>(const std::string& config)>;

}  // namespace marginalia::store
