// log Z of any energy, estimated by annealed importance sampling.
#pragma once

#include <cstdint>

#include <marginalia/energy.h>
#include <marginalia/model.h>

namespace marginalia {

struct Annealing {
    std::int64_t chains = 256;         // M >= 2: independent runs
    std::int64_t temperatures = 1000;  // T >= 1: steps of beta from 0 to 1, of equal size
    std::uint64_t seed = 0;
};

struct AnnealedLogZ {
    double log_z = 0;            // log of the mean weight, nats; exp of it is unbiased for Z
    double standard_error = 0;   // of log_z, by the delta method: sqrt((M / effective - 1) / (M - 1)); too small where
                                 // `effective` is, since the rare runs that weigh most may be missing altogether
    double effective = 0;        // effective sample size (sum w)^2 / sum w^2, 1 to M
    double mean_log_weight = 0;  // on average at most log Z
    double mean_error = 0;       // standard error of mean_log_weight
};

// R. M. Neal, Annealed importance sampling, Stat. Comput. 11, 125 (2001). Each run starts at a uniformly random
// state, and at beta_t = t / T its log-weight gains (beta_t - beta_(t-1)) log f(x), before one heat-bath sweep of
// f^(beta_t);
//   Z = K^D E[exp(log-weight)],   log Z >= D log K + E[log-weight].
// A run that starts where f = 0 weighs nothing: an energy most of whose states are impossible needs another method,
// and where no run counts, log_z and mean_log_weight are -infinity.
//
// Runs are taken in parallel, each with random numbers of its own: the same for the same seed whatever the number of
// threads. Cost: M T D site_log_densities. `tick` is called after every temperature.
AnnealedLogZ annealed_log_z(const Energy& energy, const Annealing& annealing, const Tick& tick);

}  // namespace marginalia
