#include "path_pool.h"

#include <ATen/core/grad_mode.h>
#include <marginalia/host.h>
#include <marginalia/orders.h>
#include <marginalia/real_sites.h>

#include <algorithm>

#include "../any_order.h"

namespace marginalia {

PathPool::PathPool(std::int64_t rows, const TrainingSetup& setup)
    : setup_(setup), rows_(std::min(rows, setup.batch * setup.domain.sites)),
      first_step_(at::arange(rows_, at::TensorOptions().dtype(at::kLong).device(setup.device))
                      .mul(setup.domain.sites)
                      .floor_divide(rows_)
                      .unsqueeze(1)),
      x_(at::full({rows_, setup.domain.sites}, setup.domain.categories, first_step_.options())),
      order_(at::arange(setup.domain.sites, first_step_.options()).expand_as(x_).contiguous()),
      log_p_(at::zeros({rows_}, first_step_.options().dtype(at::kDouble))) {}

PathPool::Targets PathPool::advance(TrainingStep& step, const at::Tensor& fresh, std::int64_t count) {
    const at::NoGradGuard no_grad;
    const std::int64_t sites = setup_.domain.sites, before = step.step - 1;
    const Range now = beginning(step.step);
    begin(now, fresh, step);
    const std::int64_t active = before < sites ? now.end : rows_;
    const auto of_active = [&](const at::Tensor& all) { return all.slice(0, 0, active); };

    const at::Tensor x = of_active(x_), order = of_active(order_);
    const at::Tensor known = (before - of_active(first_step_)).remainder(sites), rank = positions_of_sites(order);
    const at::Tensor site = order.gather(1, known), symbol = x.gather(1, site);
    const at::Tensor logits =
        step.network.conditional_at(x.masked_fill(rank >= known, setup_.domain.categories), site.squeeze(1));
    const at::Tensor added = log_conditional(setup_.domain, logits.to(at::kFloat), symbol.squeeze(1));
    of_active(log_p_).add_(added.masked_fill((symbol == setup_.domain.categories).squeeze(1), 0));

    const at::Tensor chosen = at::randperm(active, step.generator, x.options()).slice(0, 0, count);
    const auto of_chosen = [&](const at::Tensor& all) { return all.index_select(0, chosen); };
    return {of_chosen(x).masked_fill(of_chosen(rank) > of_chosen(known), setup_.domain.categories),
            of_chosen(log_p_).to(at::kFloat)};
}

PathPool::Range PathPool::beginning(std::int64_t step) const {
    const std::int64_t sites = setup_.domain.sites, place = (step - 1) % sites;
    const auto first = [&](std::int64_t s) { return (s * rows_ + sites - 1) / sites; };
    return {first(place), first(place + 1)};
}

void PathPool::begin(Range range, const at::Tensor& fresh, TrainingStep& step) {
    const std::int64_t count = range.end - range.first;
    if (count == 0) return;
    // From all over the batch, a part of which is the model's own.
    const at::Tensor chosen = at::randperm(fresh.size(0), step.generator, fresh.options()).slice(0, 0, count);
    const at::Tensor x = fresh.index_select(0, chosen);
    const RankedRows ranked(step, x, random_orders(count, x.size(1), step.generator, x.device()),
                            setup_.domain.categories);
    x_.slice(0, range.first, range.end).copy_(x);
    order_.slice(0, range.first, range.end).copy_(positions_of_sites(ranked.rank));
    log_p_.slice(0, range.first, range.end).zero_();
}

StateDict PathPool::state() const {
    return {
        {"pool_states", kept_states(x_, setup_.domain)}, {"pool_orders", order_.to(at::kInt)}, {"pool_log_p", log_p_}};
}

void PathPool::load(const StateDict& state) {
    const at::Tensor x = saved_states(state, "pool_states", setup_.domain, true);
    const auto order = state.find("pool_orders"), log_p = state.find("pool_log_p");
    if (x.size(0) != rows_ || order == state.end() || log_p == state.end() || order->second.sizes() != x_.sizes() ||
        log_p->second.sizes() != log_p_.sizes())
        throw Error("the saved pool of paths is not one of " + std::to_string(rows_) + " rows");
    const at::Tensor sites = order->second.to(at::kLong);
    if (!at::equal(std::get<0>(sites.sort(1)), at::arange(x.size(1), sites.options()).expand_as(sites)))
        throw Error("'pool_orders' are not orders of " + std::to_string(x.size(1)) + " sites");
    x_.copy_(x);
    order_.copy_(sites);
    log_p_.copy_(log_p->second);
}

}  // namespace marginalia
