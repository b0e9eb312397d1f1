#include <marginalia/model.h>

#include <ATen/ATen.h>

#include <marginalia/error.h>
#include <marginalia/orders.h>

namespace marginalia {

namespace {

// Walks along the first `steps` sites of each row's order, from a state of all □: chooses(site, logits) gives the symbols,
// □ where a row has come to its end.
template <class Choose>
Generated walk(const Network& network, const at::Tensor& order, std::int64_t steps, const Choose& choose, const Tick& tick) {
    const std::int64_t rows = order.size(0), unknown = network.domain().categories;
    at::Tensor x = at::full({rows, network.domain().sites}, unknown, order.options());
    at::Tensor log_p = at::zeros({rows}, order.options().dtype(at::kDouble));
    for (std::int64_t t = 0; t < steps; ++t) {
        const at::Tensor site = order.select(1, t);
        const at::Tensor logits = network.conditional_at(x, site);
        const at::Tensor symbol = choose(site, logits).unsqueeze(1);
        const at::Tensor added = logits.log_softmax(1, at::kDouble).gather(1, symbol.clamp_max(unknown - 1));
        log_p += added.masked_fill(symbol == unknown, 0).squeeze(1);
        x.scatter_(1, site.unsqueeze(1), symbol);
        tick();
    }
    return {x, log_p};
}

class AnyOrderModel final : public Model {
public:
    using Model::Model;

    Generated generate(std::int64_t count, at::Generator& generator, const Tick& tick) const override {
        const at::Device device = generator.device();
        return generate_along(network(), random_orders(count, network().domain().sites, generator, device), generator, tick);
    }

    at::Tensor log_density(const at::Tensor& x, at::Generator& generator, const Tick& tick) const override {
        const at::Tensor keys = at::rand(x.sizes(), generator, at::TensorOptions().device(x.device()));
        const at::Tensor unknown = x == network().domain().categories;
        return log_density_along(network(), x, (keys + unknown).argsort(std::int64_t{1}), tick);
    }
};

// Of a network whose marginals are exact: no order matters.
class ConsistentModel final : public Model {
public:
    using Model::Model;

    Generated generate(std::int64_t count, at::Generator& generator, const Tick& tick) const override {
        const at::TensorOptions floats = at::TensorOptions().device(generator.device());
        const at::Tensor x = network().sample(at::rand({count, network().domain().sites}, generator, floats));
        tick();
        return {x, log_marginal(x)};
    }

    at::Tensor log_density(const at::Tensor& x, at::Generator&, const Tick& tick) const override {
        tick();
        return log_marginal(x);
    }
};

class FixedOrderModel final : public Model {
public:
    using Model::Model;

    Generated generate(std::int64_t count, at::Generator& generator, const Tick& tick) const override {
        return generate_along(network(), order(count, generator.device()), generator, tick);
    }

    at::Tensor log_density(const at::Tensor& x, at::Generator&, const Tick& tick) const override {
        const at::Tensor known = (x != network().domain().categories).to(at::kLong);
        if ((known.diff() > 0).any().item<bool>())
            throw Error("a model of a fixed order has no density for a state whose known sites are not the first ones; "
                        "give full states, or train an any-order model");
        return log_density_along(network(), x, order(x.size(0), x.device()), tick);
    }

private:
    at::Tensor order(std::int64_t rows, const at::Device& device) const {
        const std::int64_t sites = network().domain().sites;
        return at::arange(sites, at::TensorOptions().dtype(at::kLong).device(device)).expand({rows, sites});
    }
};

}  // namespace

at::Tensor Model::log_marginal(const at::Tensor& x) const { return network_.log_marginal(x).to(at::kDouble); }

Generated generate_along(const Network& network, const at::Tensor& order, at::Generator& generator, const Tick& tick) {
    const auto choose = [&](const at::Tensor&, const at::Tensor& logits) { return sample_symbols(logits, generator); };
    return walk(network, order, order.size(1), choose, tick);
}

at::Tensor log_density_along(const Network& network, const at::Tensor& x, const at::Tensor& order, const Tick& tick) {
    const at::Tensor unknown = x == network.domain().categories;
    const std::int64_t steps = x.size(1) - unknown.sum(1).min().item<std::int64_t>();
    const auto choose = [&](const at::Tensor& site, const at::Tensor&) {
        return x.gather(1, site.unsqueeze(1)).squeeze(1);
    };
    return walk(network, order, steps, choose, tick).log_p;
}

std::unique_ptr<Model> any_order_model(const Network& network) {
    if (network.consistent() && network.has_sample()) return std::make_unique<ConsistentModel>(network);
    return std::make_unique<AnyOrderModel>(network);
}
std::unique_ptr<Model> fixed_order_model(const Network& network) { return std::make_unique<FixedOrderModel>(network); }

}  // namespace marginalia
