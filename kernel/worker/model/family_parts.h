// The parts of a trial that is about several energies.
#pragma once

#include <functional>

#include "kernel/spec/family.h"
#include "kernel/wire/recorder.h"
#include "kernel/worker/model/trial_parts.h"

namespace marginalia {

// The members that a trial of an energy learns and, where it is evaluated or asked, what else that is about. Refers to
// the plugins' declarations.
Family family_of(const TrialRequest& request, const PluginHost& plugins);

// Makes the parts of a trial of a single energy, or of a dataset.
using BuildSingle = std::function<TrialParts(const TrialRequest& single)>;

// The parts of all members, the first at hand: `build` is called for each, with its values in [energy]. Throws Error
// where their sites differ, or the network cannot tell them apart.
TrialParts build_members(const TrialRequest& request, const PluginHost& plugins, const BuildSingle& build);

}  // namespace marginalia
