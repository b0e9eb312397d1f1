// Energies of real numbers, in units of their own.
#pragma once

#include <algorithm>
#include <cmath>
#include <utility>

#include <marginalia/energy.h>

namespace marginalia {

// An energy whose sites all hold real numbers. A plugin derives from it and sees numbers y = centre + scale v in its
// own units; `scale` is to make v about 1, which is what networks see. log Z is the same in y and in v.
//
// Threads and errors as of Energy.
class MARGINALIA_API RealEnergy : public Energy {
public:
    // A Site for each of the D >= 1 sites, with categories 0 and a scale above 0.
    explicit RealEnergy(std::vector<Site> sites)
        : Energy(static_cast<std::int64_t>(sites.size()), 2), sites_(std::move(sites)) {
        for (const Site& site : sites_) log_scale_ += std::log(site.scale);
    }

    // log f(y) in nats, a density in y. May be -infinity; never NaN or +infinity.
    virtual double log_f(Reals y) const = 0;

    // The exact log p*(y_S) in nats, a density in the numbers of S: the sites d with known[d]. The other numbers have
    // no meaning. nullopt: not offered.
    virtual std::optional<double> log_marginal(Reals /*y*/, const std::vector<bool>& /*known*/) const {
        return std::nullopt;
    }

    // `count` states of p*, y in `reals`, the same for the same seed; `rows` is not looked at. nullopt: not offered.
    virtual std::optional<ReferenceSamples> real_samples(std::size_t /*count*/, std::uint64_t /*seed*/) const {
        return std::nullopt;
    }

    // The values of observables().
    virtual void observe_numbers(Reals /*y*/, std::span<double> /*values*/) const {}

    std::vector<Site> site_list() const final { return sites_; }
    double log_density(State) const final { throw Error("sites of real numbers have no log f without their numbers"); }

    void mixed_log_densities(States x, std::span<const double> v, std::span<double> out) const final {
        for (std::size_t row = 0; row < out.size(); ++row)
            out[row] = log_f(in_units(v.subspan(row * x.width, x.width))) + log_scale_;
    }
    bool mixed_log_marginals(States partial, std::span<const double> v, std::span<double> out) const final {
        for (std::size_t row = 0; row < out.size(); ++row) {
            const std::vector<double> y = in_units(v.subspan(row * partial.width, partial.width));
            std::vector<bool> known;
            double log_scale = 0;
            for (std::size_t d = 0; d < y.size(); ++d) {
                known.push_back(partial[row][d] != categories());
                if (known[d]) log_scale += std::log(sites_[d].scale);
            }
            const auto value = log_marginal(y, known);
            if (!value) return false;
            out[row] = *value + log_scale;
        }
        return true;
    }
    void mixed_observe(State, Reals v, std::span<double> values) const final { observe_numbers(in_units(v), values); }
    std::vector<double> point(State, Reals v) const final { return in_units(v); }

    std::optional<ReferenceSamples> reference_samples(std::size_t count, std::uint64_t seed) const final {
        auto samples = real_samples(count, seed);
        if (!samples) return std::nullopt;
        samples->rows.assign(samples->reals.size(), 0);
        for (std::size_t i = 0; i < samples->reals.size(); ++i) {
            const Site& site = sites_[i % sites_.size()];
            samples->reals[i] = (samples->reals[i] - site.centre) / site.scale;
        }
        return samples;
    }

private:
    std::vector<double> in_units(Reals v) const {
        std::vector<double> y(v.begin(), v.end());
        for (std::size_t d = 0; d < y.size(); ++d) y[d] = sites_[d].centre + sites_[d].scale * y[d];
        return y;
    }

    const std::vector<Site> sites_;
    double log_scale_ = 0;  // nats, of all sites
};

}  // namespace marginalia
