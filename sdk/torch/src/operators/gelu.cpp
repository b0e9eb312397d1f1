// gelu: x Φ(x), Φ being the distribution of a normal number.
#include <torch/csrc/autograd/custom_function.h>

#include "images.h"
#include "operators.h"

namespace marginalia::operators {
namespace {

constexpr std::int64_t values_a_thread = 8192;

class Gelu : public torch::autograd::Function<Gelu> {
public:
    static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& h) {
        const at::AutoDispatchBelowAutograd no_graph;
        context->save_for_backward({h});
        return value(h);
    }

    static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                   const torch::autograd::variable_list& gradients) {
        const at::AutoDispatchBelowAutograd no_graph;
        const at::Tensor h = context->get_saved_variables()[0], g = gradients[0].contiguous(), to = at::empty_like(h);
        by_type(h, [&](auto type) {
            using Value = decltype(type);
            for_rows(h.numel(), values_a_thread, [&](std::int64_t first, std::int64_t last) {
                gelu_slope(g.const_data_ptr<Value>() + first, h.const_data_ptr<Value>() + first,
                           to.mutable_data_ptr<Value>() + first, last - first);
            });
        });
        return {to};
    }

    static at::Tensor value(const at::Tensor& h) {
        const at::Tensor to = at::empty_like(h);
        by_type(h, [&](auto type) {
            using Value = decltype(type);
            for_rows(h.numel(), values_a_thread, [&](std::int64_t first, std::int64_t last) {
                operators::gelu(h.const_data_ptr<Value>() + first, to.mutable_data_ptr<Value>() + first, last - first);
            });
        });
        return to;
    }
};

}  // namespace

at::Tensor gelu(const at::Tensor& given) {
    if (!given.is_cpu() || (given.scalar_type() != at::kFloat && given.scalar_type() != at::kBFloat16))
        return at::gelu(given);
    const at::Tensor h = given.contiguous();
    if (wants_gradient(h)) return Gelu::apply(h);
    const at::AutoDispatchBelowAutograd no_graph;
    return Gelu::value(h);
}

}  // namespace marginalia::operators
