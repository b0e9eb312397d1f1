// gru: gated recurrent units in both directions over a sequence.
//
//   r = σ(x_r + h_r)   z = σ(x_z + h_z)   n = tanh(x_n + r h_n)   h' = (1 - z) n + z h
//
// x and h being W x + b and W h + b. The products with x are one for all steps, those with h one a step, of both
// directions at once; all else of a step is one pass over its values. The state is float32 under autocast too: its
// products are too small to gain by bfloat16.
#include <torch/csrc/autograd/custom_function.h>

#include "arithmetic.h"
#include "operators.h"

namespace marginalia::operators {
namespace {

using torch::autograd::variable_list;

constexpr std::int64_t directions = 2;

// The place of step s of a direction is s, or counted from the end: (L, 2, ...) to and from (2, L, ...) steps.
at::Tensor steps_of(const at::Tensor& forward, const at::Tensor& back) {
    return at::stack({forward, back.flip(0)}).contiguous();
}

// All steps, both directions, in float32 on the CPU.
struct Steps {
    at::Tensor from_x;  // (2, L, B, 3 C)
    at::Tensor gates;   // (2, L, B, 3 C): r, z, n
    at::Tensor of_h;    // (2, L, B, C): h_n
    at::Tensor states;  // (2, L + 1, B, C): before the first step, and after each
};

float* place(const at::Tensor& t, std::int64_t direction, std::int64_t step) {
    return t.mutable_data_ptr<float>() + direction * t.stride(0) + step * t.stride(1);
}

Steps all_steps(const at::Tensor& from_x, const at::Tensor& weight, const at::Tensor& bias) {
    const std::int64_t length = from_x.size(1), rows = from_x.size(2), width = from_x.size(3) / 3;
    Steps steps{from_x, at::empty_like(from_x), at::empty({directions, length, rows, width}, from_x.options()),
                at::empty({directions, length + 1, rows, width}, from_x.options())};
    steps.states.select(1, 0).zero_();
    const at::Tensor turned = weight.transpose(1, 2), start = bias.unsqueeze(1).expand({directions, rows, 3 * width});
    at::Tensor from_h = at::empty({directions, rows, 3 * width}, from_x.options());
    for (std::int64_t s = 0; s < length; ++s) {
        at::baddbmm_out(from_h, start, steps.states.select(1, s), turned);
        for (std::int64_t d = 0; d < directions; ++d)
            gru_step(place(from_x, d, s), from_h.const_data_ptr<float>() + d * rows * 3 * width,
                     place(steps.states, d, s), rows, width,
                     {place(steps.gates, d, s), place(steps.of_h, d, s), place(steps.states, d, s + 1)});
    }
    spread_what_is_not_finite({from_h, from_x.select(1, 0)}, steps.states);
    return steps;
}

// Given the gradient of every state (2, L, B, C): those of x's and h's parts, (2, L, B, 3 C) each.
std::pair<at::Tensor, at::Tensor> all_steps_back(const Steps& steps, const at::Tensor& of_states,
                                                 const at::Tensor& weight) {
    const std::int64_t length = steps.gates.size(1), rows = steps.gates.size(2), width = steps.of_h.size(3);
    at::Tensor of_x = at::empty_like(steps.gates), of_h = at::empty_like(steps.gates);
    at::Tensor carried = at::zeros({directions, rows, width}, of_x.options());
    for (std::int64_t s = length; s-- > 0;) {
        for (std::int64_t d = 0; d < directions; ++d)
            gru_step_back({place(steps.gates, d, s), place(steps.of_h, d, s), place(steps.states, d, s)},
                          place(of_states, d, s), rows, width, carried.mutable_data_ptr<float>() + d * rows * width,
                          place(of_x, d, s), place(of_h, d, s));
        carried.baddbmm_(of_h.select(1, s), weight);
    }
    return {of_x, of_h};
}

class Gru : public torch::autograd::Function<Gru> {
public:
    // from_x (2, L, B, 3 C), weight (2, 3 C, C) and bias (2, 3 C) of the state -> (2, L, B, C) by steps.
    static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& from_x,
                              const at::Tensor& weight, const at::Tensor& bias) {
        const at::AutoDispatchBelowAutograd no_graph;
        const Steps steps = all_steps(from_x, weight, bias);
        context->save_for_backward({steps.gates, steps.of_h, steps.states, weight});
        return steps.states.slice(1, 1);
    }

    static variable_list backward(torch::autograd::AutogradContext* context, const variable_list& gradients) {
        const at::AutoDispatchBelowAutograd no_graph;
        const variable_list saved = context->get_saved_variables();
        const Steps steps{{}, saved[0], saved[1], saved[2]};
        const auto [of_x, of_h] = all_steps_back(steps, gradients[0].contiguous(), saved[3]);
        const at::Tensor before = steps.states.slice(1, 0, -1).flatten(1, 2), all = of_h.flatten(1, 2);
        return {of_x, at::bmm(all.transpose(1, 2), before), all.sum(1)};
    }
};

}  // namespace

// weights: of each direction that of the input (3 C, I) and of the state (3 C, C), and their biases.
at::Tensor gru(const at::Tensor& inputs, at::TensorList weights) {
    TORCH_CHECK_VALUE(weights.size() == 8, "there are ", weights.size(), " weights; give four of each direction");
    const at::Tensor state = weights[1];
    if (!inputs.is_cpu() || state.scalar_type() != at::kFloat || inputs.numel() == 0) {
        const at::Tensor start = at::zeros({directions, inputs.size(0), state.size(1)}, inputs.options());
        return std::get<0>(at::gru(inputs, start, weights, true, 1, 0.0, false, true, true));
    }
    const auto of_input = [&](int direction) {
        return at::linear(inputs.transpose(0, 1), weights[4 * direction], weights[4 * direction + 2]).to(at::kFloat);
    };
    const at::Tensor from_x = steps_of(of_input(0), of_input(1));
    const at::Tensor weight = at::stack({weights[1], weights[5]}), bias = at::stack({weights[3], weights[7]});
    at::Tensor states;
    if (wants_gradient(from_x, weight, bias)) {
        states = Gru::apply(from_x, weight, bias);
    } else {
        const at::AutoDispatchBelowAutograd no_graph;
        states = all_steps(from_x, weight, bias).states.slice(1, 1);
    }
    return at::cat({states[0], states[1].flip(0)}, 2).transpose(0, 1);
}

}  // namespace marginalia::operators
