// Named tensors: what a sampler or objective puts into a checkpoint.
#pragma once

#include <map>
#include <string>

#include <ATen/core/TensorBody.h>

namespace marginalia {

using StateDict = std::map<std::string, at::Tensor>;

}  // namespace marginalia
