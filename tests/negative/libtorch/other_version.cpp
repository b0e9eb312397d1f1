// Preloaded: a LibTorch that says it is another version than its headers did.
#include <string>

namespace at {
std::string show_config() { return "Build settings: PERF_WITH_AVX=1, TORCH_VERSION=2.7.1, USE_CUDA=0, "; }
}  // namespace at
