#include <ATen/ATen.h>
#include <marginalia/model.h>
#include <marginalia/orders.h>
#include <marginalia/sampler.h>

namespace {

using marginalia::ParameterType;

constexpr marginalia::Parameter parameters[] = {
    {.name = "order",
     .type = ParameterType::text,
     .fallback = "\"random\"",
     .choices = "random|forward",
     .help = "order in which a state's sites are drawn: a new random one for each state, or 0, 1, 2, ..."},
};

constexpr const char* manual = R"(B fresh, independent states a step, each drawn from all □ site by site with p_φ(x_d |
x_S), in a new random order for each state or in site order. A step costs D passes for one conditional a row; nothing is
kept between steps. Each draw gives log p_φ(x) along the order taken, which objectives can read as the density of their
own samples: exact for a model of that order, and for an any-order model the density given the order.

References: D. Koller, N. Friedman, Probabilistic Graphical Models (2009), sec. 12.1, ancestral (forward) sampling. E.
Hoogeboom et al., Autoregressive diffusion models, ICLR 2022 (arXiv 2110.02037), random orders.)";

class Ancestral final : public marginalia::Sampler {
public:
    Ancestral(const marginalia::Params& params, const marginalia::TrainingSetup& setup, at::Generator&)
        : random_(params.text("order") == "random"), setup_(setup) {}

    at::Tensor draw(const marginalia::Network& network, at::Generator& generator) override {
        if (random_ && network.consistent() && network.has_sample()) {  // every order is the same to it
            log_density_ = at::Tensor();
            return network.sample(
                at::rand({setup_.batch, setup_.domain.sites}, generator, at::TensorOptions().device(setup_.device)));
        }
        marginalia::Generated drawn = marginalia::generate_along(network, order(generator), generator, [] {});
        log_density_ = std::move(drawn.log_p);
        return drawn.x;
    }

    at::Tensor log_density() const override { return log_density_; }
    bool takes_mixed_sites() const override { return true; }

private:
    at::Tensor order(at::Generator& generator) const {
        const std::int64_t rows = setup_.batch, sites = setup_.domain.sites;
        if (random_) return marginalia::random_orders(rows, sites, generator, setup_.device);
        return at::arange(sites, at::TensorOptions().dtype(at::kLong).device(setup_.device)).expand({rows, sites});
    }

    const bool random_;
    const marginalia::TrainingSetup setup_;
    at::Tensor log_density_;  // (B) of the last draw
};

}  // namespace

MARGINALIA_SAMPLER(Ancestral, "ancestral", "fresh states, each drawn site by site by the model, with their density",
                   manual, parameters);
