// Turns a crash or a hang of this process into a sentence.
#pragma once

#include <string>

namespace marginalia {

// From now on a fatal signal, or `seconds` without another call, prints "FAILED  NAME  the plugin crashed (...)" on
// stdout and ends the process with code 1. For programs that do nothing but check one plugin.
void guard_check(const std::string& name, unsigned seconds);

}  // namespace marginalia
