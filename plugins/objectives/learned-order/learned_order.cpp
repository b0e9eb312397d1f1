#include "learned_order.h"

#include <cmath>

#include <ATen/ATen.h>
#include <marginalia/error.h>
#include <marginalia/orders.h>

namespace learned_order {

namespace {

using marginalia::Generated;
using marginalia::Network;
using marginalia::Tick;

at::Tensor all_unknown(const Network& network, std::int64_t rows, const at::Device& device) {
    return at::full({rows, network.domain().sites}, network.domain().categories,
                    at::TensorOptions().dtype(at::kLong).device(device));
}

class LearnedOrder final : public marginalia::Model {
public:
    LearnedOrder(const Network& network, std::int64_t trajectories) : Model(network), trajectories_(trajectories) {}

    Density density() const override { return Density::bound; }

    Generated generate(std::int64_t count, at::Generator& generator, const Tick& tick) const override {
        const Trajectories drawn = draw(network(), count, generator, tick);
        return {drawn.x, mean_over({drawn.log_p}, drawn.x, generator, tick)};
    }

    at::Tensor log_density(const at::Tensor& x, at::Generator& generator, const Tick& tick) const override {
        if ((x == network().domain().categories).any().item<bool>())
            throw marginalia::Error("a model that chooses its order has no density for partial states; give full ones");
        return mean_over({}, x, generator, tick);
    }

private:
    // log of the mean over trajectories of P_F / P_B, those given and as many backward ones as are wanting.
    at::Tensor mean_over(std::vector<at::Tensor> log_p, const at::Tensor& x, at::Generator& generator,
                         const Tick& tick) const {
        while (static_cast<std::int64_t>(log_p.size()) < trajectories_)
            log_p.push_back(log_forward(network(), x,
                                        marginalia::random_orders(x.size(0), x.size(1), generator, x.device()), tick));
        const double count = static_cast<double>(log_p.size());
        return at::stack(log_p).logsumexp(0) - std::log(count) - log_backward(x.size(1));
    }

    const std::int64_t trajectories_;
};

}  // namespace

at::Tensor log_policy(const Network& network, const at::Tensor& x) {
    const at::Tensor known = (x != network.domain().categories).unsqueeze(2);
    return network.conditional_logits(x).masked_fill(known, -INFINITY).flatten(1).log_softmax(1);
}

Trajectories draw(const Network& network, std::int64_t rows, at::Generator& generator, const Tick& tick) {
    const std::int64_t sites = network.domain().sites, categories = network.domain().categories;
    at::Tensor x = all_unknown(network, rows, generator.device());
    at::Tensor log_p = at::zeros({rows}, x.options().dtype(at::kDouble));
    std::vector<at::Tensor> order;
    for (std::int64_t t = 0; t < sites; ++t) {
        const at::Tensor policy = log_policy(network, x);
        const at::Tensor action = marginalia::sample_symbols(policy, generator).unsqueeze(1);
        log_p += policy.gather(1, action).squeeze(1).to(at::kDouble);
        order.push_back(action.div(categories, "floor"));
        x.scatter_(1, order.back(), action.remainder(categories));
        tick();
    }
    return {x, at::cat(order, 1), log_p};
}

at::Tensor log_forward(const Network& network, const at::Tensor& x, const at::Tensor& order, const Tick& tick) {
    at::Tensor state = all_unknown(network, x.size(0), x.device());
    at::Tensor log_p = at::zeros({x.size(0)}, x.options().dtype(at::kDouble));
    for (std::int64_t t = 0; t < x.size(1); ++t) {
        const at::Tensor site = order.slice(1, t, t + 1), symbol = x.gather(1, site);
        const at::Tensor action = site * network.domain().categories + symbol;
        log_p += log_policy(network, state).gather(1, action).squeeze(1).to(at::kDouble);
        state.scatter_(1, site, symbol);
        tick();
    }
    return log_p;
}

at::Tensor log_transitions(const Network& network, const at::Tensor& x, const at::Tensor& order,
                           const at::Tensor& position) {
    const std::int64_t categories = network.domain().categories;
    const at::Tensor rank = marginalia::positions_of_sites(order).unsqueeze(1);  // when each site is filled
    const at::Tensor before = x.unsqueeze(1).masked_fill(rank >= position.unsqueeze(2), categories);
    const at::Tensor site = order.gather(1, position);
    const at::Tensor action = (site * categories + x.gather(1, site)).view({-1, 1});
    return log_policy(network, before.flatten(0, 1)).gather(1, action).view(position.sizes());
}

double log_backward(std::int64_t sites) { return -std::lgamma(static_cast<double>(sites) + 1); }

std::unique_ptr<marginalia::Model> model(const Network& network, std::int64_t trajectories) {
    return std::make_unique<LearnedOrder>(network, trajectories);
}

}  // namespace learned_order
