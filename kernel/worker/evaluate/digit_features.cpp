#include "kernel/worker/evaluate/digit_features.h"

#include <ATen/ATen.h>

#include <vector>

extern "C" const char marginalia_digit_features[], marginalia_digit_features_end[];

namespace marginalia {
namespace {

constexpr std::int64_t side = 28, rows_at_once = 1000;

// The embedded file: weights in the order of the network's layers.
class Weights {
public:
    at::Tensor next(at::IntArrayRef shape) {
        const at::Tensor weights = all_.slice(0, used_, used_ + c10::multiply_integers(shape)).view(shape);
        used_ += weights.numel();
        return weights;
    }

private:
    const at::Tensor all_ = at::from_blob(
        const_cast<char*>(marginalia_digit_features),
        {(marginalia_digit_features_end - marginalia_digit_features) / static_cast<std::int64_t>(sizeof(float))},
        at::kFloat);
    std::int64_t used_ = 0;
};

at::Tensor layer(const at::Tensor& h, Weights& weights, std::int64_t channels) {
    const at::Tensor kernel = weights.next({channels, h.size(1), 5, 5});
    return at::max_pool2d(at::relu(at::conv2d(h, kernel, weights.next({channels}))), {2, 2});
}

at::Tensor features_of(const at::Tensor& pictures) {
    Weights weights;
    const at::Tensor h = layer(layer(pictures, weights, 8), weights, 16).flatten(1);
    const at::Tensor matrix = weights.next({digit_feature_count, h.size(1)});
    return at::linear(h, matrix, weights.next({digit_feature_count})).to(at::kDouble);
}

}  // namespace

bool has_digits(const Domain& domain) {
    return domain.layout.shape == std::vector<std::int64_t>{side, side} && domain.categories == 2;
}

at::Tensor digit_features(const at::Tensor& x) {
    std::vector<at::Tensor> pieces;
    for (const at::Tensor& rows : x.split(rows_at_once))
        pieces.push_back(features_of(rows.to(at::kFloat).view({-1, 1, side, side})));
    return at::cat(pieces);
}

}  // namespace marginalia
