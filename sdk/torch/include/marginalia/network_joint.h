// The result of Network::joint; apart so that network.h needs no LibTorch header.
#pragma once

#include <ATen/core/TensorBody.h>

#include <marginalia/network.h>

namespace marginalia {

struct Network::Joint {
    at::Tensor log_marginal;  // (N)
    at::Tensor logits;        // (M, K)
};

}  // namespace marginalia
