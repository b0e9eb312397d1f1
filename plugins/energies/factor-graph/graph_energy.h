// The base of energies that are graphical models: everything exact where the graph's tree-width is small.
#pragma once

#include <functional>

#include <marginalia/energy.h>

#include "local_terms.h"
#include "model.h"
#include "whole_sum.h"

namespace factor_graph {

class ExactSums;

// What an energy adds: a faster log_density, observables, layout, text.
class GraphEnergy : public marginalia::Energy {
public:
    using MakeWholeSum = std::function<std::unique_ptr<const WholeSum>()>;  // nullptr: there is none

    // Categories: the model's unknown symbol. `otherwise` is called, by the constructor, where elimination does not
    // fit.
    explicit GraphEnergy(Model model, const MakeWholeSum& otherwise = {});
    ~GraphEnergy() override;

    double log_density(marginalia::State x) const override { return model_.log_f(x); }
    void site_log_densities(marginalia::State x, std::int64_t site, std::span<double> out) const final {
        local_.of_variable(x, static_cast<std::size_t>(site), out);
    }
    bool differences(marginalia::State x, std::span<double> out) const final;  // exact
    // Where no factor has more than two variables, none is 0 anywhere, and all variables have as many values.
    std::optional<marginalia::EnergyForm> form() const final;
    std::optional<double> partial_log_density(marginalia::State x) const final { return local_.partial_log_f(x); }

    // Where the elimination fits; otherwise not offered, but for what a WholeSum has. Each throws Error where every
    // state is impossible.
    std::optional<double> log_z() const final;
    bool log_marginals(marginalia::States partial, std::span<double> out) const final;
    std::optional<double> entropy() const final;
    std::optional<marginalia::ReferenceSamples> reference_samples(std::size_t count, std::uint64_t seed) const override;

private:
    const Model model_;
    const LocalTerms local_;
    const std::unique_ptr<const ExactSums> exact_;
    const std::unique_ptr<const WholeSum> whole_;  // where there is no exact_
};

}  // namespace factor_graph
