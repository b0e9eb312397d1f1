#include <marginalia/site_terms.h>

#include <numbers>

#include <ATen/ATen.h>
#include <torch/script.h>

#include <marginalia/error.h>

namespace marginalia {

bool has_log_marginal_sites(const Network& network) { return network.module().find_method("log_marginal_sites").has_value(); }

at::Tensor log_marginal_sites(const Network& network, const at::Tensor& x) {
    const auto method = network.module().find_method("log_marginal_sites");
    if (!method) throw Error("the network's module has no method 'log_marginal_sites(x)'; use another network, such as unet");
    return (*method)({x}).toTensor();
}

at::Tensor estimate_site_terms(const Network& network, const at::Tensor& x, std::int64_t points, at::Generator& generator) {
    const std::int64_t unknown = network.domain().categories;
    const at::TensorOptions floats = x.options().dtype(at::kFloat);
    const at::Tensor known = x != unknown, length = known.sum(1, true);  // (M, D), (M, 1)
    const at::Tensor place = at::arange(points, floats);
    const at::Tensor v = (at::rand({x.size(0), points}, generator, floats) + place) / static_cast<double>(points);  // (M, m)
    const at::Tensor part = (v * (std::numbers::pi / 2)).sin().square();
    const at::Tensor given = (length * part).to(at::kLong).minimum((length - 1).clamp_min(0)).unsqueeze(2);  // (M, m, 1)
    const at::Tensor keys = at::rand(x.sizes(), generator, floats) + known.logical_not();
    const at::Tensor rank = keys.argsort(std::int64_t{1}).argsort(std::int64_t{1}).unsqueeze(1);  // (M, 1, D)
    // Each point has the order turned further by the golden ratio, so that neighbouring points hide different sites.
    const at::Tensor turn = (length * (place * (std::numbers::phi - 1)).frac()).to(at::kLong).unsqueeze(2);  // (M, m, 1)
    const at::Tensor turned = (rank + turn).remainder(length.clamp_min(1).unsqueeze(2));                     // (M, m, D)
    const at::Tensor asked = known.unsqueeze(1) & (turned >= given);
    const at::Tensor rows = x.unsqueeze(1).expand_as(asked).masked_fill(asked, unknown).flatten(0, 1);
    const at::Tensor log_p = network.conditional_logits(rows).to(at::kFloat).log_softmax(2).view({x.size(0), points, x.size(1), -1});
    const at::Tensor symbols = x.clamp_max(unknown - 1).unsqueeze(1).unsqueeze(3).expand({-1, points, -1, 1});
    const at::Tensor weight = length * (v * std::numbers::pi).sin() * (std::numbers::pi / 2 / static_cast<double>(points));
    const at::Tensor share = weight.unsqueeze(2) / asked.sum(2, true).clamp_min(1);  // of each hidden site: (M, m, 1)
    return (log_p.gather(3, symbols).squeeze(3) * asked * share).sum(1, false, at::kDouble);
}

}  // namespace marginalia
