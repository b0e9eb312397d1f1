#include <algorithm>
#include <cmath>
#include <optional>

#include <ATen/ATen.h>
#include <marginalia/exchange.h>

#include "chains/chains.h"

namespace {

using marginalia::ParameterType;

constexpr int most_first_sweeps = 1000;

constexpr marginalia::Parameter parameters[] = {
    {.name = "sweeps",
     .type = ParameterType::integer,
     .fallback = "1",
     .minimum = 1,
     .maximum = 1e9,
     .unit = "sweeps",
     .help = "proposals a draw, in units of D"},
    {.name = "burn_in",
     .type = ParameterType::integer,
     .fallback = "1000",
     .minimum = 0,
     .maximum = 1e9,
     .unit = "sweeps",
     .help = "before the first draw, on top of its own"},
    {.name = "shifts",
     .type = ParameterType::number,
     .fallback = "0.0",
     .minimum = 0,
     .maximum = 1,
     .help = "fraction of proposals that insert or delete a symbol and shift what follows; for sequences"},
    chains::start_parameter,
    {.name = "holding",
     .type = ParameterType::text,
     .fallback = "\"\"",
     .help = "SYMBOL=SITES,...: exactly so many sites hold these symbols, which sites then exchange; empty: any number",
     .absent = "\"\""},
};

constexpr const char* manual = R"(B persistent Metropolis chains on the energy itself, independent of the network: a
proposal changes one random site to another random symbol and is accepted with probability min(1, f(x') / f(x)), which
leaves p* invariant. A proposal costs one evaluation of log f: where log f has no cheap conditionals, as for molecules,
K times cheaper than a heat-bath update, which in turn is the better one where they are cheap.

With `shifts` above 0, that share of the proposals instead inserts a random symbol at a random site (what follows moves
up and the last symbol drops out) or deletes one (a random symbol comes in at the end), with equal probability. The two
undo each other with the same probability, so that these proposals are symmetric as well. They change a sequence whose
beginning means more than its end, such as a molecule's, in its middle without losing its end.

With `holding`, such as "1=50", the chains are those of states in which exactly 50 sites hold the symbol 1: a fixed
magnetisation, or sets of a given size. They start at random ones, and a proposal exchanges the symbols of two random
sites (Kawasaki dynamics, but between any two sites); where several symbols have no number, half of the moves draw a
site's symbol anew among those. They leave f invariant, given the numbers. An objective that learns from these states,
such as `ao-arm` or `mam-heat-bath` with `sweeps = 0`, learns that ensemble; heat-bath targets (`sweeps` above 0) are
those of states without the constraint. Evaluations compare with the energy as it is: `kl` then contains -log of the
probability that a state of p* holds the numbers, and what a model draws holds them nearly, not exactly; `marginalia
sample --holding` draws such states from it (docs/inference.md).

What is drawn follows p* once the chains have forgotten their start; the default `burn_in` is for sequences of some 50
sites. Each chain has random numbers of its own, so that the states do not depend on the number of threads.

References: N. Metropolis et al., Equation of state calculations by fast computing machines, J. Chem. Phys. 21, 1087
(1953). K. Kawasaki, Diffusion constants near the critical point for time-dependent Ising models, Phys. Rev. 145, 224
(1966).)";

class Metropolis final : public chains::EnergyChains {
public:
    Metropolis(const marginalia::Params& params, const marginalia::TrainingSetup& setup, at::Generator& generator)
        : EnergyChains("sweeps", params, setup, generator), shifts_(params.number("shifts")) {
        if (shifts_ > 0 && setup.domain.layout.shape.size() != 1)
            throw marginalia::Error(
                "shifts are for sequences, and these sites have more than one dimension; set shifts = 0");
        if (params.text("holding").empty()) return;
        if (shifts_ > 0) throw marginalia::Error("shifts do not keep the numbers of holding; set shifts = 0");
        exchanges_.emplace(chains_.energy(), marginalia::holding_of("holding", params.text("holding"),
                                                                    setup.domain.sites, setup.domain.categories));
        chains::for_each(chains_.count(), [this](std::int64_t chain) { start_holding(chain); });
    }

private:
    void move(std::int64_t chain, std::int64_t sweeps) override {
        const std::span<std::uint8_t> x = chains_.state(chain);
        marginalia::FastRandom& random = chains_.random(chain);
        if (exchanges_) {
            for (std::int64_t sweep = 0; sweep < sweeps; ++sweep) exchanges_->sweep(x, random);
            return;
        }
        std::vector<std::uint8_t> proposed(x.size());
        double log_f = chains_.log_f(chain);
        for (std::int64_t i = 0; i < sweeps * chains_.energy().sites(); ++i) {
            std::copy(x.begin(), x.end(), proposed.begin());
            propose(proposed, random);
            const double other = chains_.energy().log_density(proposed);
            if (random.uniform() >= std::exp(other - log_f)) continue;
            log_f = other;
            std::copy(proposed.begin(), proposed.end(), x.begin());
        }
    }

    // At a state of f > 0: the single-site updates that would look for one do not keep the numbers.
    void start_holding(std::int64_t chain) {
        exchanges_->draw_any(chains_.state(chain), chains_.random(chain));
        for (int sweep = 0; chains_.log_f(chain) == -HUGE_VAL; ++sweep) {
            if (sweep == most_first_sweeps)
                throw marginalia::Error("no state of f > 0 that holds the numbers of holding was found in " +
                                        std::to_string(most_first_sweeps) + " sweeps of exchanges");
            exchanges_->sweep(chains_.state(chain), chains_.random(chain));
        }
    }

    void propose(std::span<std::uint8_t> x, marginalia::FastRandom& random) const {
        const auto categories = static_cast<std::uint64_t>(chains_.energy().categories());
        const auto site = x.begin() + static_cast<std::ptrdiff_t>(random.below(x.size()));
        const double kind = shifts_ > 0 ? random.uniform() : 1;
        if (kind >= shifts_) {
            *site = static_cast<std::uint8_t>((*site + 1 + random.below(categories - 1)) % categories);
        } else if (kind < shifts_ / 2) {
            std::move_backward(site, x.end() - 1, x.end());
            *site = static_cast<std::uint8_t>(random.below(categories));
        } else {
            std::move(site + 1, x.end(), site);
            x.back() = static_cast<std::uint8_t>(random.below(categories));
        }
    }

    const double shifts_;
    std::optional<marginalia::Exchanges> exchanges_;
};

}  // namespace

MARGINALIA_SAMPLER(chains::Ahead<Metropolis>, "metropolis", "persistent Metropolis chains on the energy", manual,
                   parameters, "energy");
