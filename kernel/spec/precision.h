// The arithmetic of a trial's passes, and whether this processor has products of bfloat16. Free of LibTorch: the host
// asks too.
#pragma once

#include <string>

namespace marginalia {

// Whether processor and system have products of bfloat16: AVX512-BF16 or AMX-BF16. Without them LibTorch computes the
// same numbers several times slower than in float32. False on processors other than x86-64, of which nothing is known
// here.
bool processor_has_bfloat16();

struct Precision {
    bool bfloat16 = false, tf32 = false;
    std::string report = {};  // one line for the trial's record where the config does not tell all; empty: it does
};

// What train.precision, "float32", "tf32", "bfloat16" or "auto", comes to. `cuda`: the trial runs on a GPU. `speed`: of
// the network's passes in bfloat16 there, those in float32 being 1; 0 where the hardware has no products of it.
Precision resolve_precision(const std::string& wanted, bool cuda, double speed);

}  // namespace marginalia
