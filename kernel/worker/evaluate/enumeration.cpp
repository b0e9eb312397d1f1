#include "kernel/worker/evaluate/enumeration.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

namespace marginalia {
namespace {

// A few states often have most of the weight, and what they are scored at along one order is most of the noise.
constexpr std::int64_t most_often_scored = 4096, orders_of_each = 16;

// K^D; 0 where that is more than `most`, and where sites differ.
std::int64_t states_of(const Domain& domain, std::int64_t most) {
    if (!domain.site_categories.empty()) return 0;
    std::int64_t states = 1;
    for (std::int64_t site = 0; site < domain.sites; ++site) {
        if (states > most / domain.categories) return 0;
        states *= domain.categories;
    }
    return states;
}

at::Tensor all_states(const Domain& domain, std::int64_t states) {
    const std::vector<at::Tensor> symbols(static_cast<std::size_t>(domain.sites), at::arange(domain.categories));
    return at::cartesian_prod(symbols).view({states, domain.sites});
}

// p (log p - log q), 0 where p is.
at::Tensor divergence(const at::Tensor& log_p, const at::Tensor& log_q) {
    return at::where(log_p == -INFINITY, at::zeros_like(log_p), log_p.exp() * (log_p - log_q));
}

// What each state adds to the figures: of log p (orders, M) and log q (M), (4, orders, M).
at::Tensor terms_of(const at::Tensor& log_p, const at::Tensor& log_q_of_states) {
    const at::Tensor log_q = log_q_of_states.expand_as(log_p), difference = log_p.exp() - log_q.exp();
    const at::Tensor square = at::where(difference == 0, difference, difference.square() / log_q.exp());
    return at::stack({divergence(log_p, log_q), divergence(log_q, log_p), difference.abs() / 2, square});
}

}  // namespace

Figures evaluate_enumeration(const TrialParts& parts, const Model& model, std::int64_t most, std::int64_t batch,
                             at::Generator& generator, const KeepGoing& keep_going) {
    const std::int64_t states = states_of(parts.domain, most);
    if (states == 0 || model.density() != Model::Density::exact) return {};
    const at::Tensor unsorted = all_states(parts.domain, states), log_f = log_f_of(parts, unsorted);
    const at::Tensor heaviest_first = log_f.argsort(std::int64_t{0}, true);
    const at::Tensor x = unsorted.index_select(0, heaviest_first);
    const at::Tensor log_q = log_f.index_select(0, heaviest_first) - log_f.logsumexp(0);

    const std::int64_t heavy = std::min(states, most_often_scored), often = heavy * orders_of_each;
    const at::Tensor scored = at::cat({x.slice(0, 0, heavy).repeat({orders_of_each, 1}), x.slice(0, heavy)});
    const at::Tensor log_p = log_densities(model, scored, batch, generator, keep_going).to(at::kDouble);
    const at::Tensor many = terms_of(log_p.slice(0, 0, often).view({orders_of_each, heavy}), log_q.slice(0, 0, heavy)),
                     once = terms_of(log_p.slice(0, often).unsqueeze(0), log_q.slice(0, heavy));
    const at::Tensor sums = many.mean(1).sum(1) + once.sum(at::IntArrayRef{1, 2}),
                     errors = (many.var(at::IntArrayRef{1}, true) / orders_of_each).sum(1).sqrt();
    Figures figures;
    std::int64_t row = 0;
    for (const char* name : {"kl", "forward_kl", "total_variation", "chi_squared"}) {
        figures[std::string(name) + "_enumerated"] = sums[row].item<double>();
        figures[std::string(name) + "_enumerated_stderr"] = errors[row++].item<double>();
    }
    return figures;
}

}  // namespace marginalia
