// The worker program as the second half of `score`, `sample`, `complete` and `marginals`.
#pragma once

#include "kernel/base/standard_output.h"

namespace marginalia {

// marginalia-worker --infer DESCRIPTOR: reads an encoded InferenceRequest from the descriptor and answers it, see
// kernel/worker/answer/inference.h. `output` is the process's, where std::cout goes. Returns 0, or 2 with a sentence on
// stderr, or exit_unwritten where the answer could not be written.
int inference_main(int descriptor, const StandardOutput& output);

}  // namespace marginalia
