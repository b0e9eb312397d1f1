// LibTorch as a process-wide resource. Free of LibTorch headers.
#pragma once

#include <string>

namespace marginalia {

// Sets the number of threads LibTorch and oneTBB use, how TorchScript runs and what multiplies matrices. First thing in main, once.
void configure_torch(int threads);

std::string torch_version();
int cuda_device_count();

}  // namespace marginalia
