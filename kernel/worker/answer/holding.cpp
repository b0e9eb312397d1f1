#include "kernel/worker/answer/holding.h"

#include <ATen/ATen.h>
#include <marginalia/orders.h>

namespace marginalia {
namespace {

constexpr int first_rounds = 16, further_rounds = 2;  // of balancing: before the first site, and before each other
constexpr double least_log_p = -500;                  // in what is proposed, so that whatever is allowed can be drawn

}  // namespace

HoldingDraws::HoldingDraws(const Network& network, const Holding& holding, const at::Device& device)
    : network_(network) {
    const at::TensorOptions whole = at::TensorOptions(at::kLong).device(device);
    group_ = at::empty({network.domain().categories}, whole);
    for (const std::vector<std::int64_t>& symbols : holding.symbols) {
        group_.index_fill_(0, at::tensor(symbols, whole), static_cast<std::int64_t>(symbols_.size()));
        symbols_.push_back(at::tensor(symbols, whole));
    }
    counts_ = at::tensor(holding.counts, whole).to(at::kDouble).unsqueeze(0);
}

at::Tensor HoldingDraws::by_group(const at::Tensor& log_p) const {
    std::vector<at::Tensor> groups;
    for (const at::Tensor& symbols : symbols_)
        groups.push_back(log_p.index_select(2, symbols).logsumexp(at::IntArrayRef{2}));
    return at::stack(groups, 2);
}

at::Tensor HoldingDraws::balanced(const at::Tensor& tilt, const at::Tensor& groups, const at::Tensor& unknown,
                                  const at::Tensor& left) {
    constexpr double least = 1e-300;
    const at::Tensor share = (groups + tilt.unsqueeze(1)).softmax(2) * unknown.unsqueeze(2);
    return tilt + (left / share.sum(1).clamp_min(least)).log();
}

Generated HoldingDraws::draw(std::int64_t count, at::Generator& generator, const Tick& tick) const {
    return along(random_orders(count, network_.domain().sites, generator, counts_.device()), tick,
                 [&generator](const at::Tensor& log_p, const at::Tensor&) {
                     return sample_symbols(log_p, generator).unsqueeze(1);
                 });
}

at::Tensor HoldingDraws::log_density(const at::Tensor& x, at::Generator& generator, const Tick& tick) const {
    const at::Tensor full = x.to(counts_.device());
    return along(random_orders(full.size(0), full.size(1), generator, counts_.device()), tick,
                 [&full](const at::Tensor&, const at::Tensor& site) { return full.gather(1, site); })
        .log_p;
}

Generated HoldingDraws::along(const at::Tensor& order, const Tick& tick, const Symbols& symbols) const {
    const Domain& domain = network_.domain();
    const std::int64_t count = order.size(0);
    at::Tensor x = at::full_like(order, domain.categories);
    at::Tensor left = counts_.repeat({count, 1}), tilt = at::zeros_like(left);
    at::Tensor log_q = at::zeros({count}, left.options());
    for (std::int64_t t = 0; t < domain.sites; ++t) {
        const at::Tensor log_p =
            network_.conditional_logits(x).log_softmax(2, at::kDouble).clamp_min(least_log_p);  // (M, D, K)
        const at::Tensor groups = by_group(log_p), unknown = x == domain.categories;
        for (int round = 0; round < (t == 0 ? first_rounds : further_rounds); ++round)
            tilt = balanced(tilt, groups, unknown, left);
        const at::Tensor site = order.select(1, t).unsqueeze(1);  // (M, 1)
        const at::Tensor here = log_p.gather(1, site.unsqueeze(2).expand({-1, -1, domain.categories})).squeeze(1);
        const at::Tensor proposal = (here + tilt.index_select(1, group_)).log_softmax(1);
        const at::Tensor symbol = symbols(proposal, site);
        log_q += proposal.gather(1, symbol).squeeze(1);
        x.scatter_(1, site, symbol);
        left.scatter_add_(1, group_.index_select(0, symbol.squeeze(1)).unsqueeze(1),
                          at::full_like(symbol, -1, left.options()));
        tick();
    }
    return {x, log_q};
}

}  // namespace marginalia
