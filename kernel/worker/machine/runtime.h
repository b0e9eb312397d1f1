// LibTorch as a process-wide resource. Free of LibTorch headers.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace marginalia {

// Opens LibTorch's CUDA half where there is a GPU (cuda.h), sets the number of threads that LibTorch and oneTBB use,
// how TorchScript runs and what multiplies matrices. First thing in main, once. Throws Error where LibTorch is of
// another version than the one built with.
void configure_torch(int threads);

// Starts the threads that LibTorch and oneTBB would start in a trial, so that what one leaves running is seen. After
// configure_torch.
void start_thread_pools();

// What a trial may change in LibTorch for those after it in the same process: names and values.
std::vector<std::pair<std::string, std::string>> torch_settings();

}  // namespace marginalia
