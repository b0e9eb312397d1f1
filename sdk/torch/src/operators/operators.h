// The operators, and what they share. Each is a function on tensors that autograd knows.
#pragma once

#include <ATen/ATen.h>

#include <string>
#include <vector>

namespace marginalia {

// A network's TorchScript source as it is compiled now: with plain forms (PlainOperators), or as it is.
std::string with_operators(const std::string& source);

}  // namespace marginalia

namespace marginalia::operators {

at::Tensor residual_convolutions(const at::Tensor& h, at::TensorList weights, at::TensorList biases,
                                 std::string border);
at::Tensor symbol_convolution(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                              std::string border);

std::tuple<at::Tensor, at::Tensor> read_out(const at::Tensor& h, const at::Tensor& site);
at::Tensor attention(const at::Tensor& queries, const at::Tensor& keys, const at::Tensor& values, std::int64_t heads);
at::Tensor gelu(const at::Tensor& h);
at::Tensor norm_silu(const at::Tensor& h, std::int64_t groups, const at::Tensor& scale, const at::Tensor& shift);
at::Tensor gru(const at::Tensor& inputs, at::TensorList weights);
at::Tensor mixture_log_density(const at::Tensor& numbers, const at::Tensor& v);

// In the type of autocast where it is on; a weight is cast once however often it is asked for.
at::Tensor in_working_type(const at::Tensor& t);
std::vector<at::Tensor> in_working_type(at::TensorList list);

// (B, C, H, W) with a border of a site around it, or as it is if `border` is "none"; from LibTorch's operators.
at::Tensor with_border(const at::Tensor& h, const std::string& border);

// Bounded functions, as they are computed here, hide what is not a number. Weights that have gone astray make all of
// their values so; where a sum of some of these is not finite, all of `to` becomes NaN.
void spread_what_is_not_finite(const std::vector<at::Tensor>& some, at::Tensor to);

inline bool learns(const at::Tensor& t) { return t.requires_grad(); }
inline bool learns(at::TensorList list) {
    for (const at::Tensor& t : list)
        if (t.requires_grad()) return true;
    return false;
}
template <class... Tensors>
bool wants_gradient(const Tensors&... tensors) {
    return at::GradMode::is_enabled() && (learns(tensors) || ...);
}

}  // namespace marginalia::operators
