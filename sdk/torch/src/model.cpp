#include <marginalia/model.h>

#include <numbers>

#include <ATen/ATen.h>

#include <marginalia/error.h>
#include <marginalia/orders.h>
#include <marginalia/real_sites.h>
#include <marginalia/site_terms.h>

namespace marginalia {

namespace {

// Walks along the first `steps` sites of each row's order, from the rows `start`: chooses(site, logits) gives the
// symbols of sites that are unknown, □ where a row has come to its end. Sites that are known stay as they are.
template <class Choose>
Generated walk(const Network& network, const at::Tensor& start, const at::Tensor& order, std::int64_t steps,
               const Choose& choose, const Tick& tick) {
    const std::int64_t unknown = network.domain().categories;
    at::Tensor x = start.clone();
    at::Tensor log_p = at::zeros({x.size(0)}, x.options().dtype(at::kDouble));
    for (std::int64_t t = 0; t < steps; ++t) {
        const at::Tensor site = order.select(1, t), place = site.unsqueeze(1);
        const at::Tensor logits = network.conditional_at(x, site);
        const at::Tensor chosen = choose(site, logits).unsqueeze(1), before = x.gather(1, place);
        const at::Tensor added = log_conditional(network.domain(), logits.to(at::kDouble), chosen.squeeze(1));
        log_p += added.masked_fill(((before != unknown) | (chosen == unknown)).squeeze(1), 0);
        x.scatter_(1, place, at::where(before == unknown, chosen, before));
        tick();
    }
    return {x, log_p};
}

// Draws what the sites hold.
auto drawn_by(const Network& network, at::Generator& generator) {
    return [&](const at::Tensor& site, const at::Tensor& logits) {
        return draw_conditional(network.domain(), logits, site, generator);
    };
}

at::Tensor blank_rows(const Network& network, const at::Tensor& order) {
    return at::full({order.size(0), network.domain().sites}, network.domain().categories, order.options());
}

// Each row's unknown sites in a random order, then the known ones.
at::Tensor unknown_first(const Network& network, const at::Tensor& x, at::Generator& generator) {
    const at::Tensor keys = at::rand(x.sizes(), generator, at::TensorOptions().device(x.device()));
    return (keys + (x != network.domain().categories)).argsort(std::int64_t{1});
}

class AnyOrderModel final : public Model {
public:
    using Model::Model;

    Generated generate(std::int64_t count, at::Generator& generator, const Tick& tick) const override {
        const at::Device device = generator.device();
        return generate_along(network(), random_orders(count, network().domain().sites, generator, device), generator,
                              tick);
    }

    Generated complete(const at::Tensor& x, at::Generator& generator, const Tick& tick) const override {
        return complete_along(network(), x, unknown_first(network(), x, generator), generator, tick);
    }

    at::Tensor log_density(const at::Tensor& x, at::Generator& generator, const Tick& tick) const override {
        const at::Tensor keys = at::rand(x.sizes(), generator, at::TensorOptions().device(x.device()));
        const at::Tensor unknown = x == network().domain().categories;
        return log_density_along(network(), x, (keys + unknown).argsort(std::int64_t{1}), tick);
    }

    at::Tensor log_density_estimate(const at::Tensor& x, std::int64_t points, at::Generator& generator,
                                    const Tick& tick) const override {
        const at::Tensor estimate = estimate_log_density(network(), x, points, generator);
        tick();
        return estimate;
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
        return {x, network().log_density(x).to(at::kDouble)};
    }

    Generated complete(const at::Tensor& x, at::Generator& generator, const Tick& tick) const override {
        if (!network().has_complete())
            return complete_along(network(), x, unknown_first(network(), x, generator), generator, tick);
        const at::TensorOptions floats = at::TensorOptions().device(x.device());
        const at::Tensor full = network().complete(x, at::rand(x.sizes(), generator, floats));
        tick();
        return {full, network().log_density(full).to(at::kDouble) - log_marginal(x)};
    }

    at::Tensor log_density(const at::Tensor& x, at::Generator&, const Tick& tick) const override {
        tick();
        if (!network().has_log_density() || (x == network().domain().categories).any().item<bool>())
            return log_marginal(x);
        return network().log_density(x).to(at::kDouble);
    }
};

class FixedOrderModel final : public Model {
public:
    using Model::Model;

    Generated generate(std::int64_t count, at::Generator& generator, const Tick& tick) const override {
        return generate_along(network(), order(count, generator.device()), generator, tick);
    }

    Generated complete(const at::Tensor& x, at::Generator& generator, const Tick& tick) const override {
        check_known_first(x, "cannot complete a state", "give states whose first sites are known");
        const at::Tensor known = (x != network().domain().categories).to(at::kLong);
        return complete_along(network(), x, known.argsort(true, 1), generator, tick);
    }

    at::Tensor log_density(const at::Tensor& x, at::Generator&, const Tick& tick) const override {
        check_known_first(x, "has no density for a state", "give full states");
        return log_density_along(network(), x, order(x.size(0), x.device()), tick);
    }

private:
    void check_known_first(const at::Tensor& x, const std::string& cannot, const std::string& remedy) const {
        const at::Tensor known = (x != network().domain().categories).to(at::kLong);
        if ((known.diff() > 0).any().item<bool>())
            throw Error("a model of a fixed order " + cannot + " whose known sites are not the first ones; " + remedy +
                        ", or train an any-order model");
    }

    at::Tensor order(std::int64_t rows, const at::Device& device) const {
        const std::int64_t sites = network().domain().sites;
        return at::arange(sites, at::TensorOptions().dtype(at::kLong).device(device)).expand({rows, sites});
    }
};

}  // namespace

Generated Model::complete(const at::Tensor&, at::Generator&, const Tick&) const {
    throw Error(
        "this objective's model draws full states only and cannot complete partial ones; train an any-order model");
}

at::Tensor Model::log_density_estimate(const at::Tensor& x, std::int64_t, at::Generator& generator,
                                       const Tick& tick) const {
    return log_density(x, generator, tick);
}

at::Tensor Model::log_marginal(const at::Tensor& x) const { return network_.log_marginal(x).to(at::kDouble); }

Generated generate_along(const Network& network, const at::Tensor& order, at::Generator& generator, const Tick& tick) {
    return walk(network, blank_rows(network, order), order, order.size(1), drawn_by(network, generator), tick);
}

Generated complete_along(const Network& network, const at::Tensor& x, const at::Tensor& order, at::Generator& generator,
                         const Tick& tick, std::optional<std::int64_t> most_unknown) {
    const std::int64_t steps = most_unknown     ? *most_unknown
                               : x.size(0) == 0 ? 0
                                                : (x == network.domain().categories).sum(1).max().item<std::int64_t>();
    return walk(network, x, order, steps, drawn_by(network, generator), tick);
}

at::Tensor log_density_along(const Network& network, const at::Tensor& x, const at::Tensor& order, const Tick& tick,
                             std::optional<std::int64_t> most_known) {
    const at::Tensor unknown = x == network.domain().categories;
    const std::int64_t steps = most_known ? *most_known : x.size(1) - unknown.sum(1).min().item<std::int64_t>();
    const auto choose = [&](const at::Tensor& site, const at::Tensor&) {
        return x.gather(1, site.unsqueeze(1)).squeeze(1);
    };
    return walk(network, blank_rows(network, order), order, steps, choose, tick).log_p;
}

// By the sites' terms, whose hidden sets of one row are turns of one order.
at::Tensor estimate_log_density(const Network& network, const at::Tensor& x, std::int64_t points,
                                at::Generator& generator) {
    const std::int64_t unknown = network.domain().categories;
    const at::TensorOptions floats = x.options().dtype(at::kFloat);
    const at::Tensor known = x != unknown, length = known.sum(1, true);  // (M, D), (M, 1)
    const at::Tensor place = at::arange(points, floats);
    const at::Tensor v =
        (at::rand({x.size(0), points}, generator, floats) + place) / static_cast<double>(points);  // (M, m)
    const at::Tensor part = (v * (std::numbers::pi / 2)).sin().square();
    const at::Tensor given =
        (length * part).to(at::kLong).minimum((length - 1).clamp_min(0)).unsqueeze(2);  // (M, m, 1)
    const at::Tensor keys = at::rand(x.sizes(), generator, floats) + known.logical_not();
    const at::Tensor rank = positions_of_sites(keys.argsort(std::int64_t{1})).unsqueeze(1);  // (M, 1, D)
    // Each point has the order turned further by the golden ratio, so that neighbouring points hide different sites.
    const at::Tensor turn =
        (length * (place * (std::numbers::phi - 1)).frac()).to(at::kLong).unsqueeze(2);   // (M, m, 1)
    const at::Tensor turned = (rank + turn).remainder(length.clamp_min(1).unsqueeze(2));  // (M, m, D)
    const at::Tensor asked = known.unsqueeze(1) & (turned >= given);
    const at::Tensor rows = x.unsqueeze(1).expand_as(asked).masked_fill(asked, unknown).flatten(0, 1);
    const at::Tensor held = x.unsqueeze(1).expand_as(asked).flatten(0, 1);
    const at::Tensor log_p = log_probabilities(network.domain(), network.conditional_logits(rows), held).view_as(asked);
    const at::Tensor weight =
        length * (v * std::numbers::pi).sin() * (std::numbers::pi / 2 / static_cast<double>(points));
    const at::Tensor share = weight.unsqueeze(2) / asked.sum(2, true).clamp_min(1);  // of each hidden site: (M, m, 1)
    return (log_p * asked * share).sum({1, 2}, false, at::kDouble);
}

bool is_any_order(const Model& model) { return dynamic_cast<const AnyOrderModel*>(&model) != nullptr; }

std::unique_ptr<Model> any_order_model(const Network& network) {
    if (network.consistent() && network.has_sample()) return std::make_unique<ConsistentModel>(network);
    return std::make_unique<AnyOrderModel>(network);
}
std::unique_ptr<Model> fixed_order_model(const Network& network) { return std::make_unique<FixedOrderModel>(network); }

}  // namespace marginalia
