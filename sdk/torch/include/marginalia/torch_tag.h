// The build tag of tier-2 plugins: the common tag and the LibTorch they were compiled against.
#pragma once

#include <torch/version.h>

#include <marginalia/plugin.h>

#define MARGINALIA_TORCH_BUILD_TAG MARGINALIA_BUILD_TAG ", torch " TORCH_VERSION

namespace marginalia {

// The tag this process's own copy of the SDK was built with.
MARGINALIA_API const char* torch_build_tag();

}  // namespace marginalia
