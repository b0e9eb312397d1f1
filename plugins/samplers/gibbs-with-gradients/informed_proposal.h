// Locally informed proposals: change one site, likelier where an energy's differences say that f grows.
#pragma once

#include <vector>

#include <marginalia/energy.h>
#include <marginalia/heat_bath.h>

namespace gibbs_with_gradients {

// q(d, k | x) proportional to exp(differences(d, k) / 2) over all k != x_d of all sites d.
class InformedProposal {
public:
    explicit InformedProposal(const marginalia::Energy& energy);

    // Takes up a state of finite log f. Throws Error where the energy offers no differences.
    void look(marginalia::State x);

    bool somewhere() const { return log_total_ > -HUGE_VAL; }  // some change is possible

    // A change, d * K + k, by q.
    std::size_t draw(marginalia::FastRandom& random) const;

    // log q of a change.
    double log_q(std::size_t change) const { return log_weights_[change] - log_total_; }

private:
    const marginalia::Energy* energy_;
    std::vector<double> log_weights_, weights_;  // weights_ relative to the largest
    double total_ = 0, log_total_ = 0;
};

// Steps of Metropolis and Hastings with these proposals from x, a state of finite log f, which becomes where they end.
// Returns how many were accepted.
std::int64_t walk(const marginalia::Energy& energy, std::span<std::uint8_t> x, std::int64_t steps,
                  marginalia::FastRandom& random);

}  // namespace gibbs_with_gradients
