// The CUDA half of LibTorch. The programs link its CPU half alone, so that one build serves machines with and without a
// GPU and needs no CUDA toolkit; the rest is opened here where there is a driver. Free of LibTorch headers.
#pragma once

#include "kernel/wire/torch_report.h"

namespace marginalia {

// Opens libtorch_cuda.so where it lies beside LibTorch and the driver sees a GPU; after the first call does nothing. To
// be called before anything asks LibTorch about CUDA, since it asks its own libraries only once. Never throws: what is
// missing is in the report.
const TorchReport& open_cuda();

}  // namespace marginalia
