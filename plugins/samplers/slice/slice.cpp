#include <ATen/ATen.h>

#include <cmath>

#include "slice_chains.h"

namespace {

using marginalia::ParameterType;

constexpr marginalia::Parameter parameters[] = {
    {.name = "sweeps",
     .type = ParameterType::integer,
     .fallback = "1",
     .minimum = 1,
     .maximum = 1e9,
     .unit = "sweeps",
     .help = "updates of every site a draw"},
    chains::burn_in_parameter(),
    {.name = "width",
     .type = ParameterType::number,
     .fallback = "1.0",
     .minimum = 1e-6,
     .maximum = 1e6,
     .help = "first length of an interval, as sites are scaled; it grows and shrinks to what fits"},
    {.name = "temperatures",
     .type = ParameterType::integer,
     .fallback = "1",
     .minimum = 1,
     .maximum = 10000,
     .unit = "replicas",
     .help = "replicas of a chain, each at an inverse temperature beta of its own; 1: none but the energy itself"},
    {.name = "hottest",
     .type = ParameterType::number,
     .fallback = "0.1",
     .minimum = 1e-6,
     .maximum = 1,
     .help = "the least beta; the largest is 1, and neighbours have equal ratios"},
};

constexpr const char* manual = R"(B persistent chains on the energy itself for sites that hold real numbers, or symbols
beside them. A sweep draws each site given the others: a number by slice sampling, whose interval grows in steps of
`width` (at most 32 of them) and shrinks until a number under the density is found; a symbol by heat bath. It needs no
gradients and hardly any tuning: a draw of a number takes about five evaluations of log f.

Modes that moves of single sites cannot join are joined by `temperatures`: replica i of a chain follows f^beta_i, beta
falling geometrically from 1 to `hottest`, and after each sweep neighbours of even, then of odd i swap states with
probability min(1, exp((beta_i - beta_(i+1)) (log f(x_(i+1)) - log f(x_i)))). Take a `hottest` at which the modes run
into one another, and so many temperatures that the swaps reported are accepted at 20 % or more.

Chains start at normal numbers, as sites are scaled, and at random symbols. Each replica has random numbers of its own,
so that the states do not depend on the number of threads. They are part of the checkpoint.

References: R. M. Neal, Slice sampling, Ann. Stat. 31, 705 (2003), figures 3 and 5. K. Hukushima, K. Nemoto, Exchange
Monte Carlo method and application to spin glass simulations, J. Phys. Soc. Jpn. 65, 1604 (1996).)";

std::vector<double> ladder_of(const marginalia::Params& params) {
    std::vector<double> betas{1.0};
    const std::int64_t levels = params.integer("temperatures");
    for (std::int64_t level = 1; level < levels; ++level)
        betas.push_back(
            std::pow(params.number("hottest"), static_cast<double>(level) / static_cast<double>(levels - 1)));
    return betas;
}

class SliceSource final : public chains::Source {
public:
    SliceSource(const marginalia::Params& params, const marginalia::TrainingSetup& setup, at::Generator& generator)
        : sweeps_(params.integer("sweeps")), burn_in_(params.integer("burn_in")),
          chains_(chains::energy_of(setup), setup.batch, ladder_of(params), params.number("width"), generator) {}

    at::Tensor draw() override {
        chains_.advance(sweeps_ + (chains_.sweeps() == 0 ? burn_in_ : 0));
        return chains_.coldest();
    }

    std::string report() const override { return chains_.report(); }
    marginalia::StateDict state() const override { return chains_.state(); }
    void load(const marginalia::StateDict& state) override { chains_.load(state); }

private:
    const std::int64_t sweeps_, burn_in_;
    slice::SliceChains chains_;
};

class Slice final : public chains::Ahead<SliceSource> {
public:
    using Ahead::Ahead;
    bool takes_mixed_sites() const override { return true; }
};

}  // namespace

MARGINALIA_SAMPLER(Slice, "slice", "persistent chains over real numbers by slice sampling, at one or more temperatures",
                   manual, parameters, "energy");
