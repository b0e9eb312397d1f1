// read_out: what both heads of a convolutional network read of silu(h), with one pass over it backward.
#include <torch/csrc/autograd/custom_function.h>

#include "images.h"
#include "operators.h"

namespace marginalia::operators {
namespace {

using Pair = std::tuple<at::Tensor, at::Tensor>;

// (B, C, H, W), (M) -> (M, C)
at::Tensor at_sites(const at::Tensor& h, const at::Tensor& site) {
    const at::Tensor of_rows = h.narrow(0, 0, site.size(0)).flatten(2);
    return of_rows.gather(2, site.view({-1, 1, 1}).expand({-1, h.size(1), 1})).squeeze(2);
}

Pair sums_and_sites(const at::Tensor& h, const at::Tensor& site) {
    const at::Tensor sums = at::zeros({h.size(0), h.size(1)}, h.options().dtype(at::kFloat).requires_grad(false));
    by_type(h, [&](auto value) {
        const Images<decltype(value)> images(h);
        float* to = sums.mutable_data_ptr<float>();
        for_images(h, [&](std::int64_t b) {
            add_activated_rows(images.row(b, 0), images.sites(), images.channels(), to + b * images.channels());
        });
    });
    return {sums, at::silu(at_sites(h, site))};
}

// Of sums, (B, C) float32, and of what is at the sites, (M, C); either may be undefined.
at::Tensor slopes_of(const at::Tensor& of_sums, const at::Tensor& of_sites, const at::Tensor& h,
                     const at::Tensor& site) {
    const at::Tensor to = at::empty_like(h);
    const at::Tensor g = of_sums.defined() ? of_sums.contiguous() : at::zeros({h.size(0), h.size(1)}, at::kFloat);
    by_type(h, [&](auto value) {
        const Images<decltype(value)> from(h), out(to);
        for_images(h, [&](std::int64_t b) {
            rows_of_slopes(g.const_data_ptr<float>() + b * from.channels(), from.row(b, 0), from.sites(),
                           from.channels(), out.row(b, 0));
        });
    });
    if (!of_sites.defined()) return to;
    const at::Tensor index = site.view({-1, 1, 1}).expand({-1, h.size(1), 1});
    const at::Tensor added = at::silu_backward(of_sites.to(h.scalar_type()), at_sites(h, site));
    to.narrow(0, 0, site.size(0)).flatten(2).scatter_add_(2, index, added.unsqueeze(2));
    return to;
}

class ReadOut : public torch::autograd::Function<ReadOut> {
public:
    static torch::autograd::variable_list forward(torch::autograd::AutogradContext* context, const at::Tensor& h,
                                                  const at::Tensor& site) {
        const at::AutoDispatchBelowAutograd no_graph;
        context->save_for_backward({h, site});
        context->set_materialize_grads(false);
        auto [sums, features] = sums_and_sites(h, site);
        return {sums, features};
    }

    static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                   const torch::autograd::variable_list& gradients) {
        const at::AutoDispatchBelowAutograd no_graph;
        const auto saved = context->get_saved_variables();
        return {slopes_of(gradients[0], gradients[1], saved[0], saved[1]), {}};
    }
};

}  // namespace

Pair read_out(const at::Tensor& start, const at::Tensor& site) {
    if (!start.is_cpu() || (start.scalar_type() != at::kFloat && start.scalar_type() != at::kBFloat16)) {
        const at::Tensor a = at::silu(start);
        return {a.sum({2, 3}, false, at::promote_types(a.scalar_type(), at::kFloat)), at_sites(a, site)};
    }
    const at::Tensor h = start.contiguous(channels_last);
    if (wants_gradient(h)) {
        const auto both = ReadOut::apply(h, site);
        return {both[0], both[1]};
    }
    const at::AutoDispatchBelowAutograd no_graph;
    return sums_and_sites(h, site);
}

}  // namespace marginalia::operators
