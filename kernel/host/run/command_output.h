// Runs another program quietly and takes what it prints.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace marginalia {

// Standard output of a program found in PATH, cut at `most` bytes; nullopt if it is not there or fails. Its error
// output is dropped. May be called from any thread.
std::optional<std::string> output_of(std::vector<std::string> command, std::size_t most = 1 << 20);

}  // namespace marginalia
