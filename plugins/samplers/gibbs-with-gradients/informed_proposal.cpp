#include "informed_proposal.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace gibbs_with_gradients {

InformedProposal::InformedProposal(const marginalia::Energy& energy) : energy_(&energy) {
    log_weights_.resize(static_cast<std::size_t>(energy.sites() * energy.categories()));
    weights_.resize(log_weights_.size());
}

void InformedProposal::look(marginalia::State x) {
    if (!energy_->differences(x, log_weights_))
        throw marginalia::Error(
            "the energy offers no differences to neighbouring states, which the proposals are made of; take another "
            "sampler, such as single-site-gibbs");
    const auto categories = static_cast<std::size_t>(energy_->categories());
    for (std::size_t site = 0; site < x.size(); ++site) log_weights_[site * categories + x[site]] = -HUGE_VAL;
    double largest = -HUGE_VAL;
    for (double& weight : log_weights_) largest = std::max(largest, weight /= 2);
    total_ = 0;
    log_total_ = largest;
    if (!somewhere()) return;
    for (std::size_t change = 0; change < weights_.size(); ++change)
        total_ += weights_[change] = std::exp(log_weights_[change] - largest);
    log_total_ += std::log(total_);
}

std::size_t InformedProposal::draw(marginalia::FastRandom& random) const {
    double rest = random.uniform() * total_;
    std::size_t drawn = 0;
    for (std::size_t change = 0; change < weights_.size(); ++change) {
        if (weights_[change] == 0) continue;
        drawn = change;
        rest -= weights_[change];
        if (rest < 0) break;
    }
    return drawn;
}

std::int64_t walk(const marginalia::Energy& energy, std::span<std::uint8_t> x, std::int64_t steps,
                  marginalia::FastRandom& random) {
    const auto categories = static_cast<std::size_t>(energy.categories());
    InformedProposal here(energy), there(energy);
    here.look(x);
    double log_f = energy.log_density(x);
    std::int64_t accepted = 0;
    for (std::int64_t step = 0; step < steps && here.somewhere(); ++step) {
        const std::size_t change = here.draw(random), site = change / categories;
        const std::uint8_t before = std::exchange(x[site], static_cast<std::uint8_t>(change % categories));
        const double log_f_there = energy.log_density(x), uniform = random.uniform();
        if (log_f_there > -HUGE_VAL) {
            there.look(x);
            const double gain = log_f_there - log_f + there.log_q(site * categories + before) - here.log_q(change);
            if (uniform < std::exp(gain)) {
                std::swap(here, there);
                log_f = log_f_there;
                ++accepted;
                continue;
            }
        }
        x[site] = before;
    }
    return accepted;
}

}  // namespace gibbs_with_gradients
