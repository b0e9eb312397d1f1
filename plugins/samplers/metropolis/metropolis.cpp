#include <algorithm>
#include <cmath>

#include <ATen/ATen.h>

#include "chains/chains.h"

namespace {

using marginalia::ParameterType;

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
};

constexpr const char* manual = R"(B persistent Metropolis chains on the energy itself, independent of the network: a
proposal changes one random site to another random symbol and is accepted with probability min(1, f(x') / f(x)), which
leaves p* invariant. A proposal costs one evaluation of log f: where log f has no cheap conditionals, as for molecules,
K times cheaper than a heat-bath update, which in turn is the better one where they are cheap.

With `shifts` above 0, that share of the proposals instead inserts a random symbol at a random site (what follows moves
up and the last symbol drops out) or deletes one (a random symbol comes in at the end), with equal probability. The two
undo each other with the same probability, so that these proposals are symmetric as well. They change a sequence whose
beginning means more than its end, such as a molecule's, in its middle without losing its end.

What is drawn follows p* once the chains have forgotten their start; the default `burn_in` is for sequences of some 50
sites. Each chain has random numbers of its own, so that the states do not depend on the number of threads.

References: N. Metropolis et al., Equation of state calculations by fast computing machines, J. Chem. Phys. 21, 1087
(1953).)";

class Metropolis final : public chains::EnergyChains {
public:
    Metropolis(const marginalia::Params& params, const marginalia::TrainingSetup& setup, at::Generator& generator)
        : EnergyChains("sweeps", params, setup, generator), shifts_(params.number("shifts")) {
        if (shifts_ > 0 && setup.domain.layout.shape.size() != 1)
            throw marginalia::Error(
                "shifts are for sequences, and these sites have more than one dimension; set shifts = 0");
    }

private:
    void move(std::int64_t chain, std::int64_t sweeps) override {
        const std::span<std::uint8_t> x = chains_.state(chain);
        marginalia::FastRandom& random = chains_.random(chain);
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
};

}  // namespace

MARGINALIA_SAMPLER(chains::Ahead<Metropolis>, "metropolis", "persistent Metropolis chains on the energy", manual,
                   parameters, "energy");
