#include "for_rows.h"

#include <algorithm>

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <ATen/TensorIterator.h>

namespace marginalia {

// By a loop over the pieces' numbers, which LibTorch shares out.
void for_rows(std::int64_t rows, std::int64_t grain,
              const std::function<void(std::int64_t first, std::int64_t last)>& body) {
    if (rows <= 0) return;
    if (rows <= grain || at::get_num_threads() == 1) return body(0, rows);
    const at::Tensor numbers = at::arange((rows + grain - 1) / grain, at::kLong);
    at::TensorIterator pieces = at::TensorIteratorConfig()
                                    .set_check_mem_overlap(false)
                                    .resize_outputs(false)
                                    .add_owned_output(numbers)
                                    .add_owned_const_input(numbers)
                                    .build();
    pieces.for_each(
        [&](char** data, const std::int64_t*, std::int64_t count) {
            const std::int64_t first = *reinterpret_cast<const std::int64_t*>(data[0]);
            body(first * grain, std::min(rows, (first + count) * grain));
        },
        1);
}

}  // namespace marginalia
