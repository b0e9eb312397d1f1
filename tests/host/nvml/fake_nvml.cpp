// In the place of NVIDIA's libnvidia-ml.so.1: it knows one GPU, of which a quarter is taken, and one that is gone.
#include <cstring>

namespace {
constexpr int not_found = 6, gone = 15;  // NVML_ERROR_NOT_FOUND, NVML_ERROR_GPU_IS_LOST
int there = 0, lost = 1;                 // what handles point to
struct Memory {
    unsigned long long total, free, used;
};

struct Utilization {
    unsigned gpu, memory;
};
}  // namespace

extern "C" {
int nvmlInit_v2() { return 0; }
int nvmlShutdown() { return 0; }
int nvmlDeviceGetHandleByUUID(const char* id, void** device) {
    if (!std::strcmp(id, "GPU-there")) *device = &there;
    else if (!std::strcmp(id, "GPU-lost")) *device = &lost;
    else return not_found;
    return 0;
}
int nvmlDeviceGetMemoryInfo(void* device, Memory* memory) {
    if (device == &lost) return gone;
    *memory = {80, 60, 20};
    return 0;
}
int nvmlDeviceGetUtilizationRates(void* device, Utilization* utilization) {
    if (device == &lost) return gone;
    *utilization = {30, 10};
    return 0;
}
int nvmlDeviceGetName(void*, char* text, unsigned length) {
    std::strncpy(text, "a pretended GPU", length);
    return 0;
}
int nvmlSystemGetDriverVersion(char* text, unsigned length) {
    std::strncpy(text, "580.1", length);
    return 0;
}
}
