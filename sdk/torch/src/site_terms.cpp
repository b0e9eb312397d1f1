#include <marginalia/site_terms.h>

#include <cmath>
#include <numbers>
#include <vector>

#include <ATen/ATen.h>
#include <ATen/core/Reduction.h>
#include <torch/script.h>

#include <marginalia/error.h>
#include <marginalia/orders.h>
#include <marginalia/real_sites.h>

namespace marginalia {

namespace {

// Of sin²(π v / 2) from 0 to v.
double integral(double v) { return v / 2 - std::sin(std::numbers::pi * v) / (2 * std::numbers::pi); }

}  // namespace

// Of two symbols the sigmoid of the logits' difference. Otherwise LibTorch is several times faster along a dimension
// within another than along a last one of few entries.
at::Tensor log_probabilities(const at::Tensor& logits, const at::Tensor& symbols) {
    constexpr std::int64_t few = 8;
    const at::Tensor x = logits.to(at::kFloat);
    if (x.size(2) == 2) {
        const auto each = x.unbind(2);
        return at::log_sigmoid((each[1] - each[0]) * (symbols.to(at::kFloat) * 2 - 1));
    }
    if (x.size(2) > few) return x.log_softmax(2).gather(2, symbols.unsqueeze(2)).squeeze(2);
    return -at::cross_entropy_loss(x.transpose(1, 2), symbols, {}, at::Reduction::None);
}

at::Tensor log_probabilities(const Domain& domain, const at::Tensor& logits, const at::Tensor& x) {
    if (!domain.site_categories.empty()) return log_conditional(domain, logits.to(at::kFloat), x);
    return log_probabilities(logits, x.clamp_max(domain.categories - 1));
}

bool has_log_marginal_profile(const Network& network) {
    return network.module().find_method("log_marginal_profile").has_value();
}

at::Tensor log_marginal_profile(const Network& network, const at::Tensor& x) {
    if (!has_log_marginal_profile(network))
        throw Error("the network's module has no method 'log_marginal_profile(x)'; use another network, such as unet");
    return network.by_rows("log_marginal_profile", {x});
}

// By parts, with the hat function of each node: its weight is what the hat rises to at 1, less the integral of its
// slopes.
at::Tensor profile_weights(std::int64_t nodes) {
    const auto pieces = static_cast<double>(nodes - 1);
    const auto rise = [&](std::int64_t piece) {
        const auto from = static_cast<double>(piece) / pieces;
        return pieces * (integral(from + 1 / pieces) - integral(from));
    };
    std::vector<float> weights;
    for (std::int64_t m = 0; m < nodes; ++m) {
        const double left = m == 0 ? 0 : rise(m - 1), right = m == nodes - 1 ? 1 : rise(m);
        weights.push_back(static_cast<float>(right - left));
    }
    return at::tensor(weights);
}

at::Tensor hide(const at::Tensor& x, const at::Tensor& v, std::int64_t categories, at::Generator& generator) {
    const at::Tensor known = x != categories, length = known.sum(1);
    const at::Tensor part = (v * (std::numbers::pi / 2)).sin().square();
    const at::Tensor given = (length * part).to(at::kLong).minimum((length - 1).clamp_min(0)).unsqueeze(1);
    const at::Tensor keys = at::rand(x.sizes(), generator, x.options().dtype(at::kFloat)) + known.logical_not();
    const at::Tensor rank = positions_of_sites(keys.argsort(std::int64_t{1}));
    return x.masked_fill(rank >= given, categories);
}

}  // namespace marginalia
