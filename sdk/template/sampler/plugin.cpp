// The sampler '@NAME@': independent states, each drawn site by site from the network's conditionals.
#include <ATen/ATen.h>
#include <marginalia/orders.h>
#include <marginalia/sampler.h>

namespace {

using marginalia::ParameterType;

// What may be written in [sampler] of an experiment file.
constexpr marginalia::Parameter parameters[] = {
    {.name = "order",
     .type = ParameterType::text,
     .fallback = "\"random\"",
     .choices = "random|sequence",
     .help = "order in which a state's sites are drawn: a new random one for each state, or 0, 1, 2, ..."},
};

constexpr const char* manual = R"(Independent ancestral draws: every state starts with all sites unknown, and they are
drawn one after another from p(x_d | x_S). One step costs D passes of the network.)";

class @TYPE@ final : public marginalia::Sampler {
public:
    // A sampler with chains makes their first states here, from the generator.
    @TYPE@(const marginalia::Params& params, const marginalia::TrainingSetup& setup, at::Generator&)
        : random_(params.text("order") == "random"), setup_(setup) {
    }

    // (B, D) int64 on the setup's device, every site known. Grad mode is off. Take all random numbers from `generator`:
    // it is part of the checkpoint, so that a resumed trial draws what an unbroken one would.
    at::Tensor draw(const marginalia::Network& network, at::Generator& generator) override {
        const std::int64_t rows = setup_.batch, sites = setup_.domain.sites;
        const auto integers = at::TensorOptions().dtype(at::kLong).device(setup_.device);
        const at::Tensor order = random_ ? marginalia::random_orders(rows, sites, generator, setup_.device)
                                         : at::arange(sites, integers).expand({rows, sites});
        at::Tensor x = at::full({rows, sites}, setup_.domain.categories, integers);  // all □
        for (std::int64_t t = 0; t < sites; ++t) {
            const at::Tensor site = order.select(1, t).contiguous();
            const at::Tensor symbol = marginalia::sample_symbols(network.conditional_at(x, site), generator);
            x.scatter_(1, site.unsqueeze(1), symbol.unsqueeze(1));
        }
        return x;
    }

    // This one keeps nothing between draws. A sampler with chains returns a copy of them from draw(), and overrides
    // state() and load() as well, so that they are part of the checkpoint: state() returns {{"chains", chains_}},
    // load() does chains_.copy_(state.at("chains")).

private:
    const bool random_;
    const marginalia::TrainingSetup setup_;
};

}  // namespace

MARGINALIA_SAMPLER(@TYPE@, "@NAME@", "independent states, drawn site by site from the network", manual, parameters);
