// Built for an older SDK. It must be refused by its symbol's name: any code of it that runs ends the worker.
#include <cstdlib>

extern "C" __attribute__((visibility("default"))) const char* const marginalia_plugin_v0 = "abi 0";

__attribute__((constructor)) static void never() { std::abort(); }
