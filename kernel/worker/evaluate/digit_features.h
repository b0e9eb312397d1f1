// Features of handwritten digits, by a small network that has learnt to tell the ten digits apart.
#pragma once

#include <ATen/core/TensorBody.h>
#include <marginalia/network.h>

namespace marginalia {

// Whether states of a domain can be seen as digits: pictures of 28 x 28 pixels of two symbols.
bool has_digits(const Domain& domain);

// The 64 features behind two convolutions and before the digits of a LeNet (Y. LeCun, L. Bottou, Y. Bengio, P. Haffner,
// Gradient-based learning applied to document recognition, Proc. IEEE 86, 2278, 1998), trained on MNIST's binarised
// training pictures, over which each has mean 0 and variance 1: (N, 64) float64 of the rows of x (N, 784), int64 on the
// CPU. bench/digit_features.py made the weights.
inline constexpr std::int64_t digit_feature_count = 64;
at::Tensor digit_features(const at::Tensor& x);

}  // namespace marginalia
