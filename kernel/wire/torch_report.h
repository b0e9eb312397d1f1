// What a worker says of the LibTorch that it runs with and of the GPUs that it can use.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace marginalia {

struct TorchReport {
    std::string version;        // "2.13.0"
    std::string library;        // path of the libtorch_cpu.so in use
    std::string build = "CPU";  // "CPU", or "CUDA" with its version: "CUDA 13.0"
    std::string driver;  // the NVIDIA driver and the newest CUDA that it runs: "580.65.06, CUDA 13.0"; empty: none
    std::vector<std::string> gpus;  // what the driver sees: "NVIDIA H200, 139.8 GiB"
    int cuda_devices = 0;           // what LibTorch can use
    std::string problem;  // why it cannot use the driver's GPUs, and the remedy: a sentence; empty: nothing is missing
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(TorchReport, version, library, build, driver, gpus, cuda_devices, problem)

}  // namespace marginalia
