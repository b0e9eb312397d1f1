// Which library multiplies float32 matrices on the CPU. Free of LibTorch headers.
#pragma once

namespace marginalia {

// On AMD processors with AVX-512, from now on, lets oneDNN compute LibTorch's products of large float32 matrices
// (aten::mm and aten::addmm, and so every linear layer's forward and backward pass), which there takes less than half
// the time of the MKL that LibTorch chooses; the results differ in rounding alone. Elsewhere does nothing and returns
// false.
bool use_fast_matrix_products();

}  // namespace marginalia
