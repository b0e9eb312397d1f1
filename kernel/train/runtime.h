// LibTorch as a process-wide resource. Free of LibTorch headers.
#pragma once

namespace marginalia {

// Opens LibTorch's CUDA half where there is a GPU (cuda.h), sets the number of threads that LibTorch and oneTBB use,
// how TorchScript runs and what multiplies matrices. First thing in main, once. Throws Error where LibTorch is of
// another version than the one built with.
void configure_torch(int threads);

}  // namespace marginalia
