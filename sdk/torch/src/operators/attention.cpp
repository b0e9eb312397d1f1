// attention: softmax(q k' / sqrt(width)) v of some heads, by its products where that is faster.
#include <torch/csrc/autograd/custom_function.h>

#include "images.h"
#include "operators.h"

namespace marginalia::operators {
namespace {

using torch::autograd::variable_list;

// Copies between (B, N, heads, width), whatever lies between its places, and (B, heads, N, width), one after another.
class Heads {
public:
    explicit Heads(std::int64_t heads) : heads_(heads) {}

    at::Tensor apart(const at::Tensor& t) const {
        const at::Tensor out = at::empty({t.size(0) * heads_, t.size(1), t.size(2) / heads_}, t.options());
        by_type(t, [&](auto value) { copy<decltype(value)>(t, out, true); });
        return out;
    }
    void together(const at::Tensor& of_heads, const at::Tensor& out) const {
        by_type(out, [&](auto value) { copy<decltype(value)>(out, of_heads, false); });
    }

private:
    template <class Value>
    void copy(const at::Tensor& places, const at::Tensor& of_heads, bool apart) const {
        const std::int64_t count = places.size(1), width = places.size(2) / heads_;
        auto* const data = const_cast<Value*>(places.const_data_ptr<Value>());
        auto* const dense = const_cast<Value*>(of_heads.const_data_ptr<Value>());
        for_rows(places.size(0), 1 + 16384 / std::max<std::int64_t>(count * places.size(2), 1),
                 [&](std::int64_t first, std::int64_t last) {
                     for (std::int64_t b = first; b < last; ++b)
                         for (std::int64_t n = 0; n < count; ++n)
                             for (std::int64_t h = 0; h < heads_; ++h) {
                                 Value* place = data + b * places.stride(0) + n * places.stride(1) + h * width;
                                 Value* head = dense + ((b * heads_ + h) * count + n) * width;
                                 apart ? std::copy_n(place, width, head) : std::copy_n(head, width, place);
                             }
                 });
    }

    const std::int64_t heads_;
};

// Calls body(first, rows) for rows of pairs (B heads, M, N), in parallel.
template <class Body>
void for_pairs(const at::Tensor& pairs, const Body& body) {
    const std::int64_t width = pairs.size(2);
    for_rows(pairs.size(0) * pairs.size(1), 1 + 8192 / std::max<std::int64_t>(width, 1),
             [&](std::int64_t first, std::int64_t last) { body(first * width, last - first); });
}

// The weights of all pairs stay in memory between the passes.
class Attention : public torch::autograd::Function<Attention> {
public:
    static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& queries,
                              const at::Tensor& keys, const at::Tensor& values, std::int64_t count) {
        const at::AutoDispatchBelowAutograd no_graph;
        const Heads heads(count);
        const at::Tensor q = heads.apart(queries), k = heads.apart(keys), v = heads.apart(values);
        const double scale = 1 / std::sqrt(static_cast<double>(q.size(2)));
        const at::Tensor pairs = at::bmm(q, k.transpose(1, 2)), first = pairs[0][0].clone();
        by_type(pairs, [&](auto value) {
            auto* data = pairs.mutable_data_ptr<decltype(value)>();
            for_pairs(pairs, [&](std::int64_t first, std::int64_t rows) {
                softmax_rows(data + first, rows, pairs.size(2), static_cast<float>(scale));
            });
        });
        spread_what_is_not_finite({first}, pairs);
        const at::Tensor out = at::empty(queries.sizes(), queries.options());
        heads.together(at::bmm(pairs, v), out);
        context->save_for_backward({q, k, v, pairs});
        context->saved_data["heads"] = count;
        return out;
    }

    static variable_list backward(torch::autograd::AutogradContext* context, const variable_list& gradients) {
        const at::AutoDispatchBelowAutograd no_graph;
        const variable_list saved = context->get_saved_variables();
        const at::Tensor &q = saved[0], &k = saved[1], &v = saved[2], &pairs = saved[3];
        const Heads heads(context->saved_data["heads"].toInt());
        const double scale = 1 / std::sqrt(static_cast<double>(q.size(2)));
        const at::Tensor g = heads.apart(last_dense(gradients[0]));
        const at::Tensor of_pairs = at::bmm(g, v.transpose(1, 2));
        by_type(pairs, [&](auto value) {
            const auto* weights = pairs.const_data_ptr<decltype(value)>();
            auto* data = of_pairs.mutable_data_ptr<decltype(value)>();
            for_pairs(pairs, [&](std::int64_t first, std::int64_t rows) {
                softmax_rows_back(weights + first, data + first, rows, pairs.size(2), static_cast<float>(scale));
            });
        });
        const std::int64_t rows = g.size(0) / context->saved_data["heads"].toInt(), width = gradients[0].size(2);
        const auto put_together = [&](const at::Tensor& of_heads) {
            const at::Tensor out = at::empty({rows, of_heads.size(1), width}, of_heads.options());
            heads.together(of_heads, out);
            return out;
        };
        return {put_together(at::bmm(of_pairs, k)),
                put_together(at::bmm(of_pairs.transpose(1, 2), q)),
                put_together(at::bmm(pairs.transpose(1, 2), g)),
                {}};
    }

    static at::Tensor last_dense(const at::Tensor& t) { return t.stride(2) == 1 ? t : t.contiguous(); }
};

// LibTorch's own operator never has the weights of all pairs in memory, which is what long sequences need, and in
// float32 it is as fast. In bfloat16 on a processor its backward pass takes twice to ten times as long as the products
// do.
constexpr std::int64_t most_places = 2048;

bool by_products(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v) {
    const auto suits = [](const at::Tensor& t) {
        return t.is_cpu() && t.scalar_type() == at::kBFloat16 && t.numel() > 0;
    };
    return suits(q) && suits(k) && suits(v) && wants_gradient(q, k, v) && k.size(1) <= most_places;
}

}  // namespace

at::Tensor attention(const at::Tensor& queries, const at::Tensor& keys, const at::Tensor& values, std::int64_t heads) {
    const at::Tensor q = in_working_type(queries), k = in_working_type(keys), v = in_working_type(values);
    TORCH_CHECK_VALUE(heads > 0 && q.size(2) % heads == 0, heads, " heads do not divide a width of ", q.size(2));
    if (by_products(q, k, v))
        return Attention::apply(Attention::last_dense(q), Attention::last_dense(k), Attention::last_dense(v), heads);
    const auto apart = [&](const at::Tensor& t) { return t.view({t.size(0), t.size(1), heads, -1}).transpose(1, 2); };
    return at::scaled_dot_product_attention(apart(q), apart(k), apart(v)).transpose(1, 2).flatten(2);
}

}  // namespace marginalia::operators
