// A whole file, for the readers of this folder.
#pragma once

#include <string>

namespace marginalia {

// Throws Error where it cannot be read.
std::string file_contents(const std::string& path);

}  // namespace marginalia
