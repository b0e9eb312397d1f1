// In the place of NVIDIA's libcuda.so.1: a driver that runs CUDA 13.0 and sees one GPU.
#include <cstddef>
#include <cstring>

extern "C" {
int cuDriverGetVersion(int* version) { return *version = 13000, 0; }
int cuInit(unsigned) { return 0; }
int cuDeviceGetCount(int* count) { return *count = 1, 0; }
int cuDeviceGet(int* device, int index) { return *device = index, 0; }
int cuDeviceGetName(char* name, int size, int) {
    return std::strncpy(name, "Pretend GPU", static_cast<std::size_t>(size)), 0;
}
int cuDeviceGetUuid_v2(unsigned char* bytes, int) {
    for (int i = 0; i < 16; ++i) bytes[i] = static_cast<unsigned char>(16 * i + i);
    return 0;
}
int cuDeviceTotalMem_v2(std::size_t* bytes, int) { return *bytes = std::size_t{80} << 30, 0; }
}
