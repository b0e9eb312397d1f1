// Work on many rows by LibTorch's own threads.
#pragma once

#include <cstdint>
#include <functional>

namespace marginalia {

// Calls body(first, last) for pieces of 0..rows-1, each of a multiple of `grain` rows but the last, in parallel.
//
// Not by at::parallel_for: LibTorch's header compiles it in, as a serial loop unless OpenMP is on, and OpenMP of the
// compiler's would bring a second libgomp, with threads of its own, beside the one in LibTorch's package.
void for_rows(std::int64_t rows, std::int64_t grain,
              const std::function<void(std::int64_t first, std::int64_t last)>& body);

}  // namespace marginalia
