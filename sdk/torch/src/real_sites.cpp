#include <marginalia/real_sites.h>

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <marginalia/energy_states.h>
#include <marginalia/host.h>
#include <marginalia/orders.h>

#include <algorithm>
#include <numbers>

#include "operators/operators.h"

namespace marginalia {
namespace {

bool has_real_sites(const Domain& domain) {
    return std::ranges::find(domain.site_categories, 0) != domain.site_categories.end();
}

at::Tensor draw_mixture(const at::Tensor& numbers, at::Generator& generator) {
    const auto part = numbers.slice(1, 0, numbers.size(1) / 3 * 3).view({numbers.size(0), 3, -1}).unbind(1);
    const at::Tensor component = sample_symbols(part[0], generator).unsqueeze(1);
    const at::Tensor mean = part[1].gather(1, component), spread = part[2].gather(1, component).exp() + least_deviation;
    return (mean + spread * at::randn(mean.sizes(), generator, mean.options())).squeeze(1);
}

}  // namespace

at::Tensor real_states(const at::Tensor& values) {
    return (values.to(at::kDouble).clamp(-most_real, most_real) / real_step).round().to(at::kLong) + real_zero;
}

at::Tensor real_values(const at::Tensor& x) {
    return ((x - real_zero).to(at::kDouble) * real_step).masked_fill(x >= 0, 0);
}

SplitStates split_states(const at::Tensor& x) {
    const at::Tensor rows = x.to(at::kLong).contiguous();
    SplitStates split{{}, {}, static_cast<std::size_t>(x.size(1))};
    split.symbols.resize(static_cast<std::size_t>(rows.numel()));
    split.reals.resize(split.symbols.size());
    const auto* held = rows.const_data_ptr<std::int64_t>();
    for (std::size_t i = 0; i < split.symbols.size(); ++i) {
        split.symbols[i] = held[i] < 0 ? 0 : static_cast<std::uint8_t>(held[i]);
        split.reals[i] = held[i] < 0 ? real_value(held[i]) : 0;
    }
    return split;
}

at::Tensor joined_states(const Energy& energy, const ReferenceSamples& samples) {
    at::Tensor x = from_bytes({samples.rows, static_cast<std::size_t>(energy.sites())});
    if (samples.reals.empty()) return x;
    const std::vector<Site> sites = energy.site_list();
    auto* held = x.mutable_data_ptr<std::int64_t>();
    for (std::size_t i = 0; i < samples.reals.size(); ++i)
        if (sites[i % sites.size()].is_real()) held[i] = real_state(samples.reals[i]);
    return x;
}

at::Tensor real_sites(const Domain& domain, const at::Device& device) {
    if (!has_real_sites(domain)) return {};
    return to_device(at::tensor(domain.site_categories, at::kLong) == 0, device);
}

at::Tensor log_conditional(const Domain& domain, const at::Tensor& numbers, const at::Tensor& x) {
    const at::Tensor symbol = x.clamp(0, domain.categories - 1).unsqueeze(-1);
    const at::Tensor log_symbol = numbers.log_softmax(-1).gather(-1, symbol).squeeze(-1);
    if (!has_real_sites(domain)) return log_symbol;
    // Logits read as a mixture may overflow, and what is not finite would come back by the gradient of `where`.
    const at::Tensor is_real = x < 0, mixtures = numbers.masked_fill(is_real.logical_not().unsqueeze(-1), 0);
    const at::Tensor v = real_values(x).to(numbers.scalar_type());
    return at::where(is_real, operators::mixture_log_density(mixtures, v), log_symbol);
}

// Where both ends are above a mean their tails are taken from the other side, as the difference of two numbers near 1
// has few digits.
at::Tensor log_probability_between(const at::Tensor& numbers, const at::Tensor& low, const at::Tensor& high) {
    const auto part =
        numbers.to(at::kDouble).slice(1, 0, numbers.size(1) / 3 * 3).view({numbers.size(0), 3, -1}).unbind(1);
    const at::Tensor spread = part[2].exp() + least_deviation;
    const at::Tensor from = (low.unsqueeze(1) - part[1]) / spread, to = (high.unsqueeze(1) - part[1]) / spread;
    const at::Tensor above = from > 0;
    const auto below = [](const at::Tensor& t) { return (t * -std::numbers::sqrt2 / 2).erfc() / 2; };  // Φ
    const at::Tensor mass = below(at::where(above, -from, to)) - below(at::where(above, -to, from));
    return (part[0].log_softmax(1) + mass.clamp_min(0).log()).logsumexp({1});
}

at::Tensor draw_conditional(const Domain& domain, const at::Tensor& numbers, const at::Tensor& site,
                            at::Generator& generator) {
    const at::Tensor symbols = sample_symbols(numbers, generator), real = real_sites(domain, numbers.device());
    if (!real.defined()) return symbols;
    const at::Tensor values = draw_mixture(numbers.to(at::kFloat), generator);
    return at::where(real.index_select(0, site), real_states(values), symbols);
}

at::Tensor draw_conditionals(const Domain& domain, const at::Tensor& numbers, at::Generator& generator) {
    const at::Tensor site = at::arange(numbers.size(1), at::TensorOptions(at::kLong).device(numbers.device()));
    return draw_conditional(domain, numbers.flatten(0, 1), site.repeat({numbers.size(0)}), generator)
        .view({numbers.size(0), numbers.size(1)});
}

}  // namespace marginalia

namespace marginalia::operators {

at::Tensor mixture_log_density(const at::Tensor& numbers, const at::Tensor& v) {
    constexpr double half_log_two_pi = 0.9189385332046727;
    const std::int64_t c = numbers.size(-1) / 3;
    const at::Tensor spread = numbers.slice(-1, 2 * c, 3 * c).exp() + least_deviation;
    const at::Tensor t = (v.unsqueeze(-1) - numbers.slice(-1, c, 2 * c)) / spread;
    const at::Tensor log_p = numbers.slice(-1, 0, c).log_softmax(-1) - spread.log() - 0.5 * t * t;
    return log_p.logsumexp({-1}) - half_log_two_pi;
}

}  // namespace marginalia::operators
