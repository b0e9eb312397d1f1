// How fast products of bfloat16 are on this processor.
#pragma once

namespace marginalia {

// Times a product of two square matrices in bfloat16 and in float32, on the threads that LibTorch uses here: how many times
// faster bfloat16 is, the best of a few tries each, in some 20 ms. 0 where processor_has_bfloat16() is false. Having the
// instructions is not enough: some processors with AVX512-BF16 and without AMX run them at half the speed of float32.
double bfloat16_speed();

}  // namespace marginalia
