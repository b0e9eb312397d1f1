// What the states of trials mean, for people.
#pragma once

#include "kernel/host/page/json_text.h"

namespace marginalia::page {

Json statuses_json();  // {"done": {"mood": "good", "means": "..."}, ...}

}  // namespace marginalia::page
