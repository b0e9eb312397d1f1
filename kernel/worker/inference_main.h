// The worker program as the second half of `score`, `sample`, `complete` and `marginals`.
#pragma once

namespace marginalia {

// marginalia-worker --infer DESCRIPTOR: reads an encoded InferenceRequest from the descriptor and answers it, see
// kernel/train/inference.h. Returns 0, or 2 with a sentence on stderr.
int inference_main(int descriptor);

}  // namespace marginalia
