#include "device_replicas.h"
#include "replicas.h"

#include <ATen/ATen.h>

namespace {

using marginalia::ParameterType;

constexpr marginalia::Parameter parameters[] = {
    {.name = "temperatures",
     .type = ParameterType::integer,
     .fallback = "16",
     .minimum = 1,
     .maximum = 10000,
     .unit = "replicas",
     .help = "replicas of an ensemble, each at an inverse temperature beta of its own"},
    {.name = "hottest",
     .type = ParameterType::number,
     .fallback = "0.2",
     .minimum = 0,
     .maximum = 1,
     .help = "the least beta; the largest is 1, the energy itself"},
    {.name = "ladder",
     .type = ParameterType::text,
     .fallback = "\"geometric\"",
     .choices = "geometric|linear",
     .help = "neighbours' betas have equal ratios, or equal differences"},
    {.name = "sweeps",
     .type = ParameterType::integer,
     .fallback = "1",
     .minimum = 1,
     .maximum = 1e9,
     .unit = "sweeps",
     .help = "updates of every site of every replica a draw, swaps after each"},
    chains::burn_in_parameter(),
    {.name = "start",
     .type = ParameterType::text,
     .fallback = "\"spread\"",
     .choices = chains::start_words,
     .help = "replicas start at random states, or at all 0, all 1, .. and a random state in turn"},
};

constexpr const char* manual = R"(B independent ensembles of replicas of the energy, replica i following f(x)^beta_i /
Z(beta_i), with beta from `hottest` to 1. Each sweep is a heat bath over the sites of every replica; then neighbours i,
i + 1 of even i, after the next sweep of odd i, swap their states with probability min(1, exp((beta_i - beta_(i+1)) (log
f(x_(i+1)) - log f(x_i)))), which leaves the product of all distributions invariant. A draw is the B replicas at
beta = 1. States that single-site updates do not leave at beta = 1, such as the phases of a magnet or the valleys of a
glass, are left at a smaller beta.

`hottest` should be where plain chains mix at once (below 0.44 / coupling for the square Ising lattice); only a linear
ladder may reach 0. A lattice at its critical point has its largest fluctuations of log f at beta = 1, where a geometric
ladder has its widest steps: take a linear one from 0.5.

The sampler reports the share of swaps accepted, on average and by the worst pair of neighbours (20 % to 50 % is good,
none near 0; the number of temperatures for that grows as the square root of the number of sites), and round trips: how
often a replica went from beta = 1 to the hottest and back. An ensemble without round trips has not mixed.

A sweep costs `temperatures` * D site updates a state. Each replica has random numbers of its own, so that the states do
not depend on the number of threads. They are part of the checkpoint. On a GPU, where the energy can be there, all
replicas of all ensembles are drawn there at once, one colour of sites after another (`single-site-gibbs`), with the
trial's own random numbers.

References: R. H. Swendsen, J.-S. Wang, Replica Monte Carlo simulation of spin-glasses, Phys. Rev. Lett. 57, 2607
(1986). C. J. Geyer, Markov chain Monte Carlo maximum likelihood, Computing Science and Statistics 23, 156 (1991). K.
Hukushima, K. Nemoto, Exchange Monte Carlo method and application to spin glass simulations, J. Phys. Soc. Jpn. 65, 1604
(1996). T. Okabe, M. Kawata, Y. Okamoto, M. Mikami, Replica-exchange Monte Carlo method for the isobaric-isothermal
ensemble, Chem. Phys. Lett. 335, 435 (2001), and M. Lingenheil et al., Efficiency of exchange schemes in replica
exchange, Chem. Phys. Lett. 478, 80 (2009): even and odd pairs in turn.)";

// beta by level: 1 first, the hottest last.
std::vector<double> ladder_of(const marginalia::Params& params) {
    const auto levels = params.integer("temperatures");
    const double hottest = params.number("hottest");
    const bool geometric = params.text("ladder") == "geometric";
    if (geometric && hottest == 0)
        throw marginalia::Error("hottest = 0 is on no geometric ladder; make it larger, or set ladder = \"linear\"");
    std::vector<double> betas(static_cast<std::size_t>(levels), 1.0);
    for (std::int64_t level = 1; level < levels; ++level) {
        const double way = static_cast<double>(level) / static_cast<double>(levels - 1);
        betas[static_cast<std::size_t>(level)] = geometric ? std::pow(hottest, way) : 1 - way * (1 - hottest);
    }
    return betas;
}

class ParallelTempering final : public chains::Source {
public:
    ParallelTempering(const marginalia::Params& params, const marginalia::TrainingSetup& setup,
                      at::Generator& generator)
        : sweeps_(params.integer("sweeps")), burn_in_(params.integer("burn_in")),
          replicas_(chains::energy_of(setup), setup.batch, ladder_of(params), chains::start_of(params.text("start")),
                    generator) {}

    at::Tensor draw() override {
        replicas_.advance(sweeps_ + (replicas_.sweeps() == 0 ? burn_in_ : 0));
        return replicas_.coldest();
    }

    std::string report() const override { return replicas_.report(); }
    marginalia::StateDict state() const override { return replicas_.state(); }
    void load(const marginalia::StateDict& state) override { replicas_.load(state); }

private:
    const std::int64_t sweeps_, burn_in_;
    parallel_tempering::Replicas replicas_;
};

class ParallelTemperingOnDevice final : public marginalia::Sampler {
public:
    ParallelTemperingOnDevice(const marginalia::Params& params, const marginalia::TrainingSetup& setup,
                              at::Generator& generator)
        : sweeps_(params.integer("sweeps")), burn_in_(params.integer("burn_in")),
          replicas_(*setup.device_energy, setup.batch, ladder_of(params), chains::start_of(params.text("start")),
                    generator) {}

    at::Tensor draw(const marginalia::Network&, at::Generator& generator) override {
        replicas_.advance(sweeps_ + (replicas_.sweeps() == 0 ? burn_in_ : 0), generator);
        return replicas_.coldest();
    }

    std::string report() const override { return replicas_.report(); }
    marginalia::StateDict state() const override { return replicas_.state(); }
    void load(const marginalia::StateDict& state) override { replicas_.load(state); }

private:
    const std::int64_t sweeps_, burn_in_;
    parallel_tempering::DeviceReplicas replicas_;
};

marginalia::Sampler* create(const marginalia::Params& params, const marginalia::TrainingSetup& setup,
                            at::Generator& generator) {
    chains::energy_of(setup);  // refuses a setup without, on either device
    if (setup.device_energy) return new ParallelTemperingOnDevice(params, setup, generator);
    return new chains::Ahead<ParallelTempering>(params, setup, generator);
}

}  // namespace

MARGINALIA_PLUGIN(MARGINALIA_TORCH_BUILD_TAG, "sampler", "parallel-tempering",
                  "replicas of the energy at several temperatures that swap states", manual, parameters, &create,
                  "energy");
