#include "replicas.h"

#include <ATen/ATen.h>

#include <cstdio>
#include <numeric>

namespace parallel_tempering {

Replicas::Replicas(const marginalia::Energy& energy, std::int64_t ensembles, std::vector<double> betas,
                   chains::Start start, at::Generator& generator)
    : betas_(std::move(betas)), levels_(static_cast<std::int64_t>(betas_.size())), ensembles_(ensembles),
      chains_(energy, ensembles * levels_, start, generator) {
    const auto replicas = static_cast<std::size_t>(chains_.count());
    log_f_.resize(replicas);
    replica_at_.resize(replicas);
    std::iota(replica_at_.begin(), replica_at_.end(), std::int64_t{0});
    for (std::vector<std::int64_t>* counters : {&journey_, &tried_, &accepted_}) counters->assign(replicas, 0);
    trips_.assign(static_cast<std::size_t>(ensembles), 0);
}

void Replicas::advance(std::int64_t sweeps) {
    if (sweeps_ == 0) chains_.make_possible();
    chains::for_each(ensembles_, [&](std::int64_t ensemble) {
        for (std::int64_t i = 0; i < sweeps; ++i) sweep(ensemble, sweeps_ + i);
    });
    sweeps_ += sweeps;
}

void Replicas::sweep(std::int64_t ensemble, std::int64_t number) {
    for (std::int64_t level = 0; level < levels_; ++level) {
        const std::int64_t replica = replica_at(ensemble, level);
        marginalia::heat_bath_sweep(chains_.energy(), chains_.state(replica), betas_[static_cast<std::size_t>(level)],
                                    chains_.random(replica));
        log_f_[static_cast<std::size_t>(replica)] = chains_.log_f(replica);
    }
    for (std::int64_t level = number % 2; level + 1 < levels_; level += 2) swap(ensemble, level);
    note_ends(ensemble);
}

void Replicas::swap(std::int64_t ensemble, std::int64_t level) {
    std::int64_t &colder = replica_at(ensemble, level), &hotter = replica_at(ensemble, level + 1);
    const auto at = static_cast<std::size_t>(level);
    const double gain = (betas_[at] - betas_[at + 1]) *
                        (log_f_[static_cast<std::size_t>(hotter)] - log_f_[static_cast<std::size_t>(colder)]);
    ++tried_[index(ensemble, level)];
    // Any stream of the ensemble will do, so long as it is the same one whatever was swapped before.
    if (chains_.random(ensemble * levels_).uniform() >= std::exp(gain)) return;
    ++accepted_[index(ensemble, level)];
    std::swap(colder, hotter);
}

void Replicas::note_ends(std::int64_t ensemble) {
    if (levels_ == 1) return;
    std::int64_t& cold = journey_[static_cast<std::size_t>(replica_at(ensemble, 0))];
    if (cold == from_hot) ++trips_[static_cast<std::size_t>(ensemble)];
    cold = from_cold;
    std::int64_t& hot = journey_[static_cast<std::size_t>(replica_at(ensemble, levels_ - 1))];
    if (hot == from_cold) hot = from_hot;
}

at::Tensor Replicas::coldest() const {
    std::vector<std::int64_t> replicas;
    for (std::int64_t ensemble = 0; ensemble < ensembles_; ++ensemble)
        replicas.push_back(replica_at_[index(ensemble, 0)]);
    return chains_.rows(replicas);
}

std::string report_of(const std::vector<double>& betas, std::int64_t ensembles, std::int64_t sweeps,
                      const std::vector<double>& shares, std::int64_t trips) {
    char line[300];
    const auto chains = static_cast<long long>(ensembles), each = static_cast<long long>(sweeps);
    if (shares.empty()) {
        std::snprintf(line, sizeof line, "%lld chains at beta 1 alone, %lld sweeps each", chains, each);
        return line;
    }
    std::size_t worst = 0;
    double sum = 0;
    for (std::size_t level = 0; level < shares.size(); ++level) {
        sum += shares[level];
        if (shares[level] <= shares[worst]) worst = level;
    }
    std::snprintf(line, sizeof line,
                  "%lld ensembles of %lld replicas, %lld sweeps each; swaps accepted: mean %.3f, least %.3f "
                  "between beta %.4g and %.4g; %lld round trips",
                  chains, static_cast<long long>(betas.size()), each, sum / static_cast<double>(shares.size()),
                  shares[worst], betas[worst + 1], betas[worst], static_cast<long long>(trips));
    return line;
}

std::string Replicas::report() const {
    std::vector<double> shares;
    for (std::int64_t level = 0; level + 1 < levels_; ++level) {
        double tried = 0, accepted = 0;
        for (std::int64_t ensemble = 0; ensemble < ensembles_; ++ensemble) {
            tried += static_cast<double>(tried_[index(ensemble, level)]);
            accepted += static_cast<double>(accepted_[index(ensemble, level)]);
        }
        shares.push_back(tried > 0 ? accepted / tried : 0);
    }
    return report_of(betas_, ensembles_, sweeps_, shares,
                     std::accumulate(trips_.begin(), trips_.end(), std::int64_t{0}));
}

marginalia::StateDict Replicas::state() const {
    using chains::counters;
    marginalia::StateDict state{{"replica_at", counters(replica_at_)}, {"journey", counters(journey_)},
                                {"tried", counters(tried_)},           {"accepted", counters(accepted_)},
                                {"trips", counters(trips_)},           {"sweeps", counters({sweeps_})}};
    chains_.save(state);
    return state;
}

void Replicas::load(const marginalia::StateDict& state) {
    chains_.load(state);
    replica_at_ = chains::counters(state.at("replica_at"));
    for (const std::int64_t replica : replica_at_)
        if (replica < 0 || replica >= chains_.count())
            throw marginalia::Error("the checkpoint has a replica " + std::to_string(replica) + " of " +
                                    std::to_string(chains_.count()));
    journey_ = chains::counters(state.at("journey"));
    tried_ = chains::counters(state.at("tried"));
    accepted_ = chains::counters(state.at("accepted"));
    trips_ = chains::counters(state.at("trips"));
    sweeps_ = chains::counters(state.at("sweeps")).at(0);
}

}  // namespace parallel_tempering
