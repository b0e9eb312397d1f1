// The figures of a finished training, as [evaluation] asks for them.
#pragma once

#include "kernel/worker/model/trial_parts.h"

namespace marginalia {

// Records every final figure, curve and picture. False if the recorder asked to stop before the end.
bool final_evaluation(const TrialRequest& request, const PluginHost& plugins, const TrialParts& parts,
                      Recorder& recorder);

}  // namespace marginalia
