// Random graphs in which vertices with many edges get more.
#pragma once

#include <cstdint>

#include "edge_list.h"

namespace qubo {

// A.-L. Barabasi, R. Albert, Emergence of scaling in random networks, Science 286, 509 (1999): `vertices` vertices, of
// which each one from number `degree` on comes with edges of weight 1 to `degree` different earlier ones, the first to
// all before it, the others to earlier ones by chances that go as their number of edges. degree (vertices - degree)
// edges. 1 <= degree < vertices, else throws Error. The same for the same seed on every platform.
EdgeList barabasi_albert(std::int64_t vertices, std::int64_t degree, std::uint64_t seed);

}  // namespace qubo
