// What the faulty samplers share: Gibbs chains, each site in turn, that keep every promise; see faulty_energy.h.
#pragma once

#include <ATen/ATen.h>
#include <marginalia/orders.h>
#include <marginalia/sampler.h>

#include <array>

using namespace marginalia;

constexpr std::array<Parameter, 0> no_parameters{};

struct Chains : Sampler {
    Chains(const Params&, const TrainingSetup& setup, at::Generator& generator)
        : chains(at::randint(setup.domain.categories, {setup.batch, setup.domain.sites}, generator, at::kLong)) {}

    virtual at::Tensor choose(const at::Tensor& logits, at::Generator& generator) const {
        return sample_symbols(logits, generator);
    }

    at::Tensor draw(const Network& network, at::Generator& generator) override {
        for (std::int64_t place = 0; place < chains.size(1); ++place) {
            const at::Tensor site = at::full({chains.size(0)}, place, at::kLong);
            at::Tensor column = chains.select(1, place);
            column.fill_(network.domain().categories);
            column.copy_(choose(network.conditional_at(chains, site), generator));
        }
        return chains.clone();
    }

    StateDict state() const override { return {{"chains", chains}}; }
    void load(const StateDict& state) override { chains.copy_(state.at("chains")); }

    at::Tensor chains;  // (B, D)
};
