// In the place of libcuda.so.1: a driver whose kernel module has another version, as after an update without a restart.
extern "C" {
int cuDriverGetVersion(int* version) { return *version = 13000, 0; }
int cuInit(unsigned) { return 803; }
int cuGetErrorString(int, const char** text) {
    return *text = "system has unsupported display driver / cuda driver combination", 0;
}
}
