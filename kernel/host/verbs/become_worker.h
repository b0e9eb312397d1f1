// Verbs whose work is the worker program's, as it runs plugin code.
#pragma once

#include <string>
#include <vector>

namespace marginalia {

// Replaces this process by the worker program with these arguments; what was written to std::cout is flushed first.
// Throws Error where the program cannot be started.
[[noreturn]] void become_worker(const std::vector<std::string>& arguments);

}  // namespace marginalia
