#include "kernel/worker/evaluate/picture_statistics.h"

#include <ATen/ATen.h>

namespace marginalia {
namespace {

at::Tensor counts(const at::Tensor& numbers, std::int64_t most) {
    return at::bincount(numbers.flatten(), {}, most).to(at::kDouble);
}

// Of each site, (D, K).
at::Tensor symbol_shares(const at::Tensor& x, std::int64_t categories) {
    const at::Tensor numbers = x + at::arange(x.size(1), at::kLong) * categories;
    return counts(numbers, x.size(1) * categories).view({x.size(1), categories}) / static_cast<double>(x.size(0));
}

at::Tensor pair_shares(const at::Tensor& x, const Domain& domain) {
    std::vector<std::int64_t> shape{x.size(0)};
    shape.insert(shape.end(), domain.layout.shape.begin(), domain.layout.shape.end());
    const at::Tensor pictures = x.view(shape);
    const std::int64_t categories = domain.categories;
    at::Tensor sum = at::zeros({categories * categories}, at::kDouble);
    for (const std::int64_t axis : {1, 2})
        sum += counts(pictures.slice(axis, 0, -1) * categories + pictures.slice(axis, 1), categories * categories);
    return sum / sum.sum().clamp_min(1);
}

}  // namespace

bool has_pixels(const Layout& layout) {
    return layout.shape.size() == 2 || (layout.shape.size() == 3 && layout.shape[2] == 3);
}

double pixel_distance(const at::Tensor& a, const at::Tensor& b, std::int64_t categories) {
    return 0.5 * (symbol_shares(a, categories) - symbol_shares(b, categories)).abs().sum(1).mean().item<double>();
}

double pair_distance(const at::Tensor& a, const at::Tensor& b, const Domain& domain) {
    return 0.5 * (pair_shares(a, domain) - pair_shares(b, domain)).abs().sum().item<double>();
}

}  // namespace marginalia
