// What a worker says of the LibTorch that it runs with and of the GPUs that it can use.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace marginalia {

struct GpuReport {
    std::string name;        // "NVIDIA H200"
    std::string id;          // "GPU-" or "MIG-" and its UUID; empty: the driver does not say
    std::int64_t bytes = 0;  // of memory
    int compute = 0;         // compute capability: 90 for 9.0
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(GpuReport, name, id, bytes, compute)

struct TorchReport {
    std::string version;        // "2.13.0"
    std::string library;        // path of the libtorch_cpu.so in use
    std::string build = "CPU";  // "CPU", or "CUDA" with its version: "CUDA 13.0"
    std::string driver;  // the NVIDIA driver and the newest CUDA that it runs: "580.65.06, CUDA 13.0"; empty: none
    std::vector<GpuReport> gpus;  // what the driver sees, in CUDA's order: those that CUDA_VISIBLE_DEVICES leaves
    int cuda_devices = 0;         // what LibTorch can use
    std::string problem;  // why it cannot use the driver's GPUs, and the remedy: a sentence; empty: nothing is missing
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(TorchReport, version, library, build, driver, gpus, cuda_devices, problem)

}  // namespace marginalia
