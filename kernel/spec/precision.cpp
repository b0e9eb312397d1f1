#include "kernel/spec/precision.h"

#include <cstdio>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace marginalia {

#if defined(__x86_64__)

// By cpuid, because LibTorch's functions for it (ATen/cpu/Utils.h) are others in each of its versions.
bool processor_has_bfloat16() {
    constexpr unsigned osxsave = 1u << 27;                        // leaf 1, ecx: xgetbv may be asked
    constexpr unsigned amx_bf16 = 1u << 22, amx_tile = 1u << 24;  // leaf 7.0, edx
    constexpr unsigned avx512_bf16 = 1u << 5;                     // leaf 7.1, eax
    constexpr unsigned avx512_state = 0xe6, amx_state = 0x60000;  // what the system saves of the registers
    unsigned a = 0, b = 0, c = 0, d = 0;
    if (__get_cpuid(1, &a, &b, &c, &d) == 0 || (c & osxsave) == 0) return false;
    unsigned saved = 0, high = 0;
    __asm__("xgetbv" : "=a"(saved), "=d"(high) : "c"(0));
    if (__get_cpuid_count(7, 0, &a, &b, &c, &d) == 0) return false;
    const bool amx = (d & amx_bf16) != 0 && (d & amx_tile) != 0 && (saved & amx_state) == amx_state;
    const unsigned subleaves = a;
    const bool avx512 = subleaves >= 1 && __get_cpuid_count(7, 1, &a, &b, &c, &d) != 0 && (a & avx512_bf16) != 0 &&
                        (saved & avx512_state) == avx512_state;
    return amx || avx512;
}

#else

bool processor_has_bfloat16() { return false; }

#endif

namespace {

constexpr double worthwhile = 1.1;  // a smaller gain is not worth the rounding

std::string why_slow(bool cuda, double speed) {
    if (speed == 0 && cuda) return "this GPU has no products of it (compute capability below 8.0)";
    if (speed == 0) return "this processor has neither AVX512-BF16 nor AMX-BF16";
    char text[100];
    std::snprintf(text, sizeof text, "this network's passes in it run at %.2g times the speed of float32 on this %s",
                  speed, cuda ? "GPU" : "processor");
    return text;
}

}  // namespace

Precision resolve_precision(const std::string& wanted, bool cuda, double speed) {
    if (wanted == "float32") return {};
    if (wanted == "tf32" && cuda) return {.tf32 = true};
    if (wanted == "tf32") return {.report = "float32, not tf32, which only NVIDIA's GPUs have"};
    const bool fast = speed >= worthwhile;
    if (wanted == "auto" && fast) return {.bfloat16 = true, .report = "bfloat16"};
    if (wanted == "auto") return {.report = "float32, not bfloat16: " + why_slow(cuda, speed)};
    if (fast) return {.bfloat16 = true};
    return {.bfloat16 = true,
            .report = "warning: bfloat16 is hardly faster than float32 here, or slower: " + why_slow(cuda, speed) +
                      "; give train.precision = \"auto\" or \"float32\""};
}

}  // namespace marginalia
