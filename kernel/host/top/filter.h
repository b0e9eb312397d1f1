// The trials that a person wants to see, by words.
#pragma once

#include <string>
#include <string_view>

#include "store/overview.h"

namespace marginalia::top {

// Whether every word of the filter fits the trial: the name of a status or of a plugin, a part of the experiment's name
// or of a tag, seed=NUMBER, or KEY=VALUE of its config, where the last part of a key will do ("channels=32"). A word
// with '-' before it must not fit. In names, capitals count as small letters.
bool fits(std::string_view filter, const store::TrialWords& trial);

}  // namespace marginalia::top
