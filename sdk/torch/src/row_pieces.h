// A network's pass over rows in pieces, so that only one piece is in memory at a time.
#pragma once

#include <ATen/ATen.h>

#include <functional>
#include <vector>

namespace marginalia {

// Rows first..last-1 of each output of a pass. An output may have only the first of the rows: a piece of none of them
// gives an undefined tensor.
using PieceOfPass = std::function<std::vector<at::Tensor>(std::int64_t first, std::int64_t last)>;

// The outputs of `pass` over `rows` rows, of at most `most` at a time. Differentiable in `learnt`, the tensors that the
// outputs depend on: with grad mode on, the way back makes each piece anew (T. Chen et al., Training deep nets with
// sublinear memory cost, 2016, arXiv 1604.06174), under the same autocast. That costs another forward pass.
std::vector<at::Tensor> in_row_pieces(std::int64_t rows, std::int64_t most, const std::vector<at::Tensor>& learnt,
                                      const PieceOfPass& pass);

}  // namespace marginalia
