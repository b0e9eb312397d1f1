// The environment in which a worker program starts, whichever verb starts it.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace marginalia {

// "NAME=value" each: the environment of this process, variables with which a worker's runtime libraries are at their
// best unless the user has set them (scripts/bench sets the same), and the folder of its LibTorch (torch_library.h).
// Throws Error where there is no LibTorch. May be called from any thread.
std::vector<std::string> worker_environment(const std::filesystem::path& program);

}  // namespace marginalia
