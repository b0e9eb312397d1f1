// Operators for the TorchScript source of networks, beside those of LibTorch: marginalia.NAME(...).
//
// The plain form of each, TorchScript too, says what it computes (sdk/torch/src/operators/library.cpp). On a processor
// an operator takes fewer passes over memory, forward and backward; on other devices it is its plain form. Under
// autocast it works in the lower precision. Exported files have the plain forms in place of the operators, so that they
// open wherever LibTorch does.
//
//   residual_convolutions(h, weights, biases, border)      (B, C, H, W) -> (B, C, H', W'): for each of the weights
//       (C, C, 3, 3) and biases (C), h = h + conv3x3(silu(h))
//   symbol_convolution(x, weight, bias, border)            (B, H, W) int64 symbols 0..S-1 -> (B, C, H', W'): conv3x3 of
//       their one-hot form, with weight (C, S, 3, 3) and bias (C)
//   read_out(h, site)                                      (B, C, H, W), (M), M <= B -> (B, C) float32: the sum of
//       silu(h) over places; and (M, C): silu(h) of the first M rows at a place each
//   attention(queries, keys, values, heads)                (B, M, C), (B, N, C), (B, N, C) -> (B, M, C): scaled dot
//       products, `heads` of them side by side
//   gelu(h)                                                any shape, the same: h Φ(h), to 2e-7 of h
//   norm_silu(h, groups, scale, shift)                     (B, C, H, W), (C), (C) -> (B, C, H, W): silu of the group
//       norm
//   gru(inputs, weights)                                   (B, L, I) -> (B, L, 2 C): gated recurrent units forward and
//       back, with LibTorch's eight weights, the state's of float32
//   mixture_log_density(numbers, v)                        (..., W), (...) -> (...): log of the mixture of normal
//       densities that `numbers` are (real_sites.h), at v
//
// `border` is what a convolution sees beyond the edge: "circular", the opposite edge; "zeros"; or "none", so that every
// convolution takes a ring of sites away. Weights and what is read are channels last in memory, and so is the result.
#pragma once

#include <marginalia/torch_tag.h>

namespace marginalia {

// While it lives, sources that are defined on this thread get the plain forms of the operators that they use.
class MARGINALIA_API PlainOperators {
public:
    PlainOperators();
    ~PlainOperators();
    PlainOperators(const PlainOperators&) = delete;
    PlainOperators& operator=(const PlainOperators&) = delete;
};

}  // namespace marginalia
