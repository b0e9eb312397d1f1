// residual_convolutions: h + conv3x3(silu(h)), a number of times.
//
// Between two convolutions lies one pass over memory, forward (add, activate, put a border around) and backward. The
// gradient of a convolution's input is a convolution of the gradient, with the weights turned round and a border of its
// own, which needs no sum over borders afterwards. All rows go through a layer at once: pieces that fit the cache took
// longer, since every call of a convolution costs something.
#include <torch/csrc/autograd/custom_function.h>

#include "images.h"
#include "operators.h"

namespace marginalia::operators {
namespace {

using torch::autograd::variable_list;

at::Tensor convolved(const at::Tensor& bordered, const at::Tensor& weight, const c10::optional<at::Tensor>& bias) {
    return at::convolution(bordered, weight, bias, {1, 1}, {0, 0}, {1, 1}, false, {0, 0}, 1).contiguous(channels_last);
}

at::Tensor gradient_of_weight(const at::Tensor& gradient, const at::Tensor& bordered, const at::Tensor& weight) {
    return std::get<1>(at::convolution_backward(gradient, bordered, weight, c10::nullopt, {1, 1}, {0, 0}, {1, 1}, false,
                                                {0, 0}, 1, {false, true, false}));
}

// silu(h) within a border.
template <class Value>
void activate_within(const at::Tensor& h, const at::Tensor& bordered, const Border& border) {
    const Images<Value> from(h), to(bordered);
    for_images(h, [&](std::int64_t b) {
        const Bordered<Value> image = to.within(b, border);
        for (std::int64_t y = 0; y < from.height(); ++y) activate(from.row(b, y), image.row(y), from.run());
        image.fill_border();
    });
}

// sum = h + c, h without the ring of sites that c lacks, and, if `bordered` is defined, silu(sum) within it.
template <class Value>
void add_within(const at::Tensor& h, const at::Tensor& c, const at::Tensor& sum, const at::Tensor& bordered,
                const Border& border) {
    const Images<Value> before(h), added(c), to(sum), activated(bordered.defined() ? bordered : sum);
    const std::int64_t ring = (before.height() - added.height()) / 2, skipped = ring * before.channels();
    for_images(sum, [&](std::int64_t b) {
        const auto row_before = [&](std::int64_t y) { return before.row(b, y + ring) + skipped; };
        if (!bordered.defined()) {
            for (std::int64_t y = 0; y < added.height(); ++y)
                add(row_before(y), added.row(b, y), to.row(b, y), to.run());
            return;
        }
        const Bordered<Value> image = activated.within(b, border);
        for (std::int64_t y = 0; y < added.height(); ++y)
            add_activate(row_before(y), added.row(b, y), to.row(b, y), image.row(y), to.run());
        image.fill_border();
    });
}

// What a backward pass needs: every h but the last, and its activation within a border.
struct Kept {
    variable_list h, bordered;
};

at::Tensor all_layers(const at::Tensor& start, at::TensorList weights, at::TensorList biases, const Border& border,
                      Kept* kept) {
    at::Tensor h = start, bordered = empty_bordered(h, h.size(2), h.size(3), border);
    by_type(h, [&](auto value) { activate_within<decltype(value)>(h, bordered, border); });
    for (std::size_t l = 0; l < weights.size(); ++l) {
        const at::Tensor c = convolved(bordered, weights[l], biases[l]);
        if (kept) kept->h.push_back(h), kept->bordered.push_back(bordered);
        const at::Tensor sum = empty_images(h, c.size(2), c.size(3));
        bordered = l + 1 < weights.size() ? empty_bordered(h, c.size(2), c.size(3), border) : at::Tensor();
        by_type(h, [&](auto value) { add_within<decltype(value)>(h, c, sum, bordered, border); });
        h = sum;
    }
    return h;
}

// Puts a border around a gradient, for the convolution that takes it further; its sum over sites, (C).
template <class Value>
at::Tensor surround(const at::Tensor& g, const at::Tensor& bordered, const Border& border) {
    const Images<Value> from(g), to(bordered);
    const at::Tensor sums = at::zeros({g.size(0), g.size(1)}, g.options().dtype(at::kFloat));
    float* sum = sums.mutable_data_ptr<float>();
    for_images(g, [&](std::int64_t b) {
        const Bordered<Value> image = to.within(b, border);
        for (std::int64_t y = 0; y < from.height(); ++y) {
            std::copy_n(from.row(b, y), from.run(), image.row(y));
            add_rows(from.row(b, y), from.width(), from.channels(), sum + b * from.channels());
        }
        image.fill_border();
    });
    return sums.sum(0).to(g.scalar_type());
}

// to = g + a silu'(h), g being 0 on the ring of sites that it lacks.
template <class Value>
void add_slopes(const at::Tensor& g, const at::Tensor& a, const at::Tensor& h, const at::Tensor& to) {
    const Images<Value> gradient(g), slope(a), at(h), sum(to);
    const std::int64_t ring = (sum.height() - gradient.height()) / 2, skipped = ring * sum.channels();
    const std::int64_t end = skipped + gradient.run();
    for_images(to, [&](std::int64_t b) {
        for (std::int64_t y = 0; y < sum.height(); ++y) {
            const Value *of = slope.row(b, y), *where = at.row(b, y);
            Value* out = sum.row(b, y);
            if (y < ring || y >= sum.height() - ring) {
                activation_slope(of, where, out, sum.run());
                continue;
            }
            activation_slope(of, where, out, skipped);
            add_activation_slope(gradient.row(b, y - ring), of + skipped, where + skipped, out + skipped,
                                 gradient.run());
            activation_slope(of + end, where + end, out + end, skipped);
        }
    });
}

class ResidualConvolutions : public torch::autograd::Function<ResidualConvolutions> {
public:
    static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& start,
                              at::TensorList weights, at::TensorList biases, const Border& border) {
        const at::AutoDispatchBelowAutograd no_graph;
        Kept kept;
        const at::Tensor out = all_layers(start, weights, biases, border, &kept);
        variable_list saved(weights.begin(), weights.end());
        saved.insert(saved.end(), kept.h.begin(), kept.h.end());
        saved.insert(saved.end(), kept.bordered.begin(), kept.bordered.end());
        context->save_for_backward(std::move(saved));
        context->saved_data["circular"] = border.kind == Border::circular;
        context->saved_data["width"] = border.width;
        return out;
    }

    static variable_list backward(torch::autograd::AutogradContext* context, const variable_list& gradients) {
        const at::AutoDispatchBelowAutograd no_graph;
        const variable_list saved = context->get_saved_variables();
        const std::size_t layers = saved.size() / 3;
        const Border border{context->saved_data["circular"].toBool() ? Border::circular : Border::zeros,
                            context->saved_data["width"].toInt()};
        variable_list result(2 * layers + 2);
        at::Tensor g = gradients[0].contiguous(channels_last);
        for (std::size_t l = layers; l-- > 0;) {
            const at::Tensor &weight = saved[l], &h = saved[layers + l], &bordered = saved[2 * layers + l];
            const at::Tensor around = empty_bordered(g, g.size(2), g.size(3), adjoint(border));
            by_type(
                g, [&](auto value) { result[1 + layers + l] = surround<decltype(value)>(g, around, adjoint(border)); });
            result[1 + l] = gradient_of_weight(g, bordered, weight);
            g = through(g, around, weight, h);
        }
        result[0] = g;
        return result;
    }

private:
    // The gradient of h + conv(silu(h)), given that of its value, also within its border.
    static at::Tensor through(const at::Tensor& g, const at::Tensor& around, const at::Tensor& weight,
                              const at::Tensor& h) {
        const at::Tensor turned = weight.flip({2, 3}).transpose(0, 1).contiguous(channels_last);
        const at::Tensor a = convolved(around, turned, {}), to = at::empty_like(h);
        by_type(g, [&](auto value) { add_slopes<decltype(value)>(g, a, h, to); });
        return to;
    }
};

bool has_fast_form(const at::Tensor& h, at::TensorList weights) {
    return h.is_cpu() && (h.scalar_type() == at::kFloat || h.scalar_type() == at::kBFloat16) && h.numel() > 0 &&
           !weights.empty() &&
           std::all_of(weights.begin(), weights.end(), [&](const at::Tensor& w) { return w.dtype() == h.dtype(); });
}

at::Tensor plain(at::Tensor h, at::TensorList weights, at::TensorList biases, const std::string& border) {
    for (std::size_t l = 0; l < weights.size(); ++l) {
        const at::Tensor c = at::conv2d(with_border(at::silu(h), border), weights[l], biases[l]);
        h = (border == "none" ? h.slice(2, 1, -1).slice(3, 1, -1) : h) + c;
    }
    return h;
}

}  // namespace

at::Tensor residual_convolutions(const at::Tensor& start, at::TensorList weights, at::TensorList biases,
                                 std::string border) {
    TORCH_CHECK_VALUE(weights.size() == biases.size(), "there are ", weights.size(), " weights and ", biases.size(),
                      " biases; give one of each a layer");
    const at::Tensor h = in_working_type(start);
    const variable_list w = in_working_type(weights), b = in_working_type(biases);
    if (!has_fast_form(h, w)) return plain(h, w, b, border);
    const at::Tensor first = h.contiguous(channels_last);
    if (wants_gradient(first, at::TensorList(w), at::TensorList(b)))
        return ResidualConvolutions::apply(first, at::TensorList(w), at::TensorList(b), border_of(border));
    const at::AutoDispatchBelowAutograd no_graph;
    return all_layers(first, w, b, border_of(border), nullptr);
}

}  // namespace marginalia::operators
