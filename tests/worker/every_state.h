// Every full state of a small domain, in the order of its number: site 0 counts fastest.
#pragma once

#include <vector>

#include <ATen/ATen.h>
#include <marginalia/network.h>

namespace marginalia {

// (K^D, D), integers.
inline at::Tensor every_state(const Domain& domain) {
    std::int64_t count = 1;
    for (std::int64_t d = 0; d < domain.sites; ++d) count *= domain.categories;
    at::Tensor rest = at::arange(count, at::kLong);
    std::vector<at::Tensor> columns;
    for (std::int64_t d = 0; d < domain.sites; ++d) {
        columns.push_back(rest.remainder(domain.categories));
        rest = rest.floor_divide(domain.categories);
    }
    return at::stack(columns, 1);
}

}  // namespace marginalia
