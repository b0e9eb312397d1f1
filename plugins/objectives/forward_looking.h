// Marginals as corrections of an energy's partial density.
#pragma once

#include <cmath>
#include <memory>
#include <optional>

#include <ATen/ATen.h>
#include <marginalia/device_energy.h>
#include <marginalia/energy_states.h>
#include <marginalia/model.h>
#include <marginalia/sampler.h>

#include "learned_log_z.h"

// log p_θ(x_S) = |U| / D c_θ(x_S) + Φ(x_S) - Φ(all □) - |S| / D (log Z - Φ(all □)), with S the known and U the unknown
// sites, Φ the energy's partial density, c_θ the network's log_marginal without its -|S| log K, and log Z learned. 0
// for all □ and exactly log f - log Z on full states: the energy's credit comes with every site, and the network has
// only to learn what Φ leaves out.
class ForwardLooking {
public:
    // Empty where the energy has no partial density.
    static std::optional<ForwardLooking> if_offered(const marginalia::TrainingSetup& setup) {
        if (!setup.energy) return std::nullopt;
        const auto empty = setup.energy->partial_log_density(blank(setup.domain));
        return empty ? std::optional(ForwardLooking(setup, *empty)) : std::nullopt;
    }

    // Φ(all □), a first estimate of log Z.
    double empty() const { return empty_; }

    // Rows x (N, D), whose Φ is evaluated beside the network's pass over them if this is made before it.
    struct Rows {
        at::Tensor x;
        at::Tensor there = {};  // Φ, where the energy is on the device of x
        std::optional<marginalia::PartialDensities> on_host = {};

        at::Tensor values() const { return on_host ? on_host->values() : there; }
    };
    Rows rows(const at::Tensor& x) const {
        const bool there = device_energy_ && device_energy_->device() == x.device();
        if (const at::Tensor values = there ? device_energy_->partial_log_densities(x) : at::Tensor(); values.defined())
            return {.x = x, .there = values};
        return {.x = x, .on_host = marginalia::PartialDensities(*energy_, x)};
    }

    // From the network's log_marginal of the rows and log Z: (N) float64.
    at::Tensor operator()(const Rows& rows, const at::Tensor& marginal, const at::Tensor& log_z) const {
        const at::Tensor share = (rows.x < domain_.categories).to(at::kDouble).mean(1);  // |S| / D
        const double uniform = static_cast<double>(domain_.sites) * std::log(static_cast<double>(domain_.categories));
        const at::Tensor correction = (1 - share) * (marginal + share * uniform);
        return correction + rows.values() - empty_ - share * (log_z - empty_);
    }

private:
    ForwardLooking(const marginalia::TrainingSetup& setup, double empty)
        : domain_(setup.domain), energy_(setup.energy), device_energy_(setup.device_energy), empty_(empty) {}

    static std::vector<std::uint8_t> blank(const marginalia::Domain& domain) {
        return std::vector<std::uint8_t>(static_cast<std::size_t>(domain.sites),
                                         static_cast<std::uint8_t>(domain.categories));
    }

    marginalia::Domain domain_;
    const marginalia::Energy* energy_;
    const marginalia::DeviceEnergy* device_energy_;
    double empty_;  // Φ(all □)
};

// An any-order model with such marginals.
class ForwardLookingModel final : public marginalia::Model {
public:
    ForwardLookingModel(const marginalia::Network& network, ForwardLooking marginals, at::Tensor log_z)
        : Model(network), any_order_(marginalia::any_order_model(network)), marginals_(std::move(marginals)),
          log_z_(std::move(log_z)) {}

    marginalia::Generated generate(std::int64_t count, at::Generator& generator,
                                   const marginalia::Tick& tick) const override {
        return any_order_->generate(count, generator, tick);
    }
    marginalia::Generated complete(const at::Tensor& x, at::Generator& generator,
                                   const marginalia::Tick& tick) const override {
        return any_order_->complete(x, generator, tick);
    }
    at::Tensor log_density(const at::Tensor& x, at::Generator& generator, const marginalia::Tick& tick) const override {
        return any_order_->log_density(x, generator, tick);
    }
    at::Tensor log_marginal(const at::Tensor& x) const override {
        const auto rows = marginals_.rows(x);
        return marginals_(rows, network().log_marginal(x), log_z_);
    }

private:
    const std::unique_ptr<marginalia::Model> any_order_;
    const ForwardLooking marginals_;
    const at::Tensor log_z_;
};
