// Why a trial's parts cannot be built.
#pragma once

#include <string>

#include "kernel/worker/model/trial_parts.h"
#include "tests/worker/trial_fixture.h"

namespace marginalia {

// The sentence; empty: they can.
inline std::string refusal(const TrialRequest& request) {
    try {
        build_trial(request, shipped_plugins());
    } catch (const Error& error) {
        return error.what();
    }
    return {};
}

}  // namespace marginalia
