// norm_silu: silu(group_norm(h)).
//
// An image is read three times while it lies in the cache: for the mean of each group, for its variance, and for the
// value. What is left of a group norm is a factor and a shift for each channel.
#include <torch/csrc/autograd/custom_function.h>

#include <cmath>

#include "images.h"
#include "operators.h"

namespace marginalia::operators {
namespace {

constexpr double epsilon = 1e-5;  // as LibTorch has it

// Of each image and channel: the mean of its group, one over its deviation, and the line y = factor h + offset.
struct Norms {
    at::Tensor mean, inverse, factor, offset;  // (B, C) float32
};

class GroupNorm {
public:
    GroupNorm(const at::Tensor& h, std::int64_t groups, const at::Tensor& scale, const at::Tensor& shift)
        : h_(h), scale_(scale.to(at::kFloat).contiguous()), shift_(shift.to(at::kFloat).contiguous()),
          size_(h.size(1) / groups), count_(static_cast<float>(size_ * h.size(2) * h.size(3))) {}

    at::Tensor value(Norms& norms) const {
        const at::TensorOptions floats = h_.options().dtype(at::kFloat);
        for (at::Tensor* of : {&norms.mean, &norms.inverse}) *of = at::zeros({h_.size(0), h_.size(1)}, floats);
        for (at::Tensor* of : {&norms.factor, &norms.offset}) *of = at::empty({h_.size(0), h_.size(1)}, floats);
        const at::Tensor to = at::empty_like(h_);
        by_type(h_, [&](auto type) {
            using Value = decltype(type);
            const Images<Value> from(h_), out(to);
            for_images(h_, [&](std::int64_t b) {
                norm_image(from.row(b, 0), from.sites(), b, norms);
                scaled_silu(from.row(b, 0), row(norms.factor, b), row(norms.offset, b), from.sites(), channels(),
                            out.row(b, 0));
            });
        });
        return to;
    }

    // Gradients of h, scale and shift, given that of the value.
    std::vector<at::Tensor> back(const at::Tensor& g, const Norms& norms) const {
        const at::Tensor to = at::empty_like(h_);
        const at::Tensor sums = at::zeros({h_.size(0), 2, h_.size(1)}, h_.options().dtype(at::kFloat));
        by_type(h_, [&](auto type) {
            using Value = decltype(type);
            const Images<Value> from(h_), gradient(g), out(to);
            for_images(h_, [&](std::int64_t b) {
                float *sum = row(sums, b), *product = sum + channels();
                const NormLine line{row(norms.factor, b), row(norms.offset, b), row(norms.mean, b)};
                norm_silu_sums(gradient.row(b, 0), from.row(b, 0), line, from.sites(), channels(), sum, product);
                for (std::int64_t c = 0; c < channels(); ++c) product[c] *= row(norms.inverse, b)[c];
                std::vector<float> flat = shares(sum, norms, b, false), tilted = shares(product, norms, b, true);
                norm_silu_back(gradient.row(b, 0), from.row(b, 0), line, flat.data(), tilted.data(), from.sites(),
                               channels(), out.row(b, 0));
            });
        });
        const at::Tensor all = sums.sum(0);
        return {to, all[1], all[0]};
    }

private:
    std::int64_t channels() const { return h_.size(1); }
    static float* row(const at::Tensor& t, std::int64_t b) { return t.mutable_data_ptr<float>() + b * t.stride(0); }

    // Each channel's value becomes the sum over its group, times `times`.
    void over_groups(float* values, float times) const {
        for (std::int64_t first = 0; first < channels(); first += size_) {
            float sum = 0;
            for (std::int64_t c = first; c < first + size_; ++c) sum += values[c];
            std::fill(values + first, values + first + size_, sum * times);
        }
    }

    template <class Value>
    void norm_image(const Value* image, std::int64_t sites, std::int64_t b, const Norms& norms) const {
        float *mean = row(norms.mean, b), *inverse = row(norms.inverse, b);
        add_rows(image, sites, channels(), mean);
        over_groups(mean, 1 / count_);
        add_squared_rows(image, mean, sites, channels(), inverse);
        over_groups(inverse, 1 / count_);
        const float *scale = scale_.const_data_ptr<float>(), *shift = shift_.const_data_ptr<float>();
        float *factor = row(norms.factor, b), *offset = row(norms.offset, b);
        for (std::int64_t c = 0; c < channels(); ++c) {
            inverse[c] = 1 / std::sqrt(inverse[c] + static_cast<float>(epsilon));
            factor[c] = scale[c] * inverse[c];
            offset[c] = shift[c] - mean[c] * factor[c];
        }
    }

    // What the group's mean, or its deviation (`tilted`), takes off the gradient: for each channel, of the sums over
    // places of the gradient behind the norm, or of its product with the normed value.
    std::vector<float> shares(const float* sums, const Norms& norms, std::int64_t b, bool tilted) const {
        const float *scale = scale_.const_data_ptr<float>(), *inverse = row(norms.inverse, b);
        std::vector<float> share(static_cast<std::size_t>(channels()));
        for (std::int64_t c = 0; c < channels(); ++c) share[c] = sums[c] * scale[c];
        over_groups(share.data(), 1 / count_);
        for (std::int64_t c = 0; c < channels(); ++c) share[c] *= tilted ? inverse[c] * inverse[c] : inverse[c];
        return share;
    }

    const at::Tensor h_, scale_, shift_;
    const std::int64_t size_;  // channels of a group
    const float count_;        // values of a group
};

class NormSilu : public torch::autograd::Function<NormSilu> {
public:
    static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& h, std::int64_t groups,
                              const at::Tensor& scale, const at::Tensor& shift) {
        const at::AutoDispatchBelowAutograd no_graph;
        Norms norms;
        const at::Tensor to = GroupNorm(h, groups, scale, shift).value(norms);
        context->save_for_backward({h, scale, shift, norms.mean, norms.inverse, norms.factor, norms.offset});
        context->saved_data["groups"] = groups;
        return to;
    }

    static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                   const torch::autograd::variable_list& gradients) {
        const at::AutoDispatchBelowAutograd no_graph;
        const auto saved = context->get_saved_variables();
        const GroupNorm norm(saved[0], context->saved_data["groups"].toInt(), saved[1], saved[2]);
        const auto back = norm.back(gradients[0].contiguous(channels_last), {saved[3], saved[4], saved[5], saved[6]});
        return {back[0], {}, back[1].to(saved[1].scalar_type()), back[2].to(saved[2].scalar_type())};
    }
};

}  // namespace

at::Tensor norm_silu(const at::Tensor& given, std::int64_t groups, const at::Tensor& scale, const at::Tensor& shift) {
    const at::Tensor cast = in_working_type(given);
    const bool known = cast.scalar_type() == at::kFloat || cast.scalar_type() == at::kBFloat16;
    if (!cast.is_cpu() || !known || cast.numel() == 0)
        return at::silu(at::group_norm(cast, groups, scale, shift, epsilon));
    TORCH_CHECK_VALUE(cast.dim() == 4 && groups > 0 && cast.size(1) % groups == 0 && scale.numel() == cast.size(1) &&
                          shift.numel() == cast.size(1),
                      "norm_silu wants images (B, C, H, W), a divisor of C, and a scale and a shift a channel");
    const at::Tensor h = cast.contiguous(channels_last);
    if (wants_gradient(h, scale, shift)) return NormSilu::apply(h, groups, scale, shift);
    const at::AutoDispatchBelowAutograd no_graph;
    Norms norms;
    return GroupNorm(h, groups, scale, shift).value(norms);
}

}  // namespace marginalia::operators
