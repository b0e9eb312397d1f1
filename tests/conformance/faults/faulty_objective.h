// What the faulty objectives share: maximum likelihood of one site a row, given a random part of the others, that keeps
// every promise (loss: -D log p(x_d | x_S), S and d along a random order); see faulty_energy.h.
#pragma once

#include <ATen/ATen.h>
#include <marginalia/dataset.h>
#include <marginalia/network_joint.h>
#include <marginalia/objective.h>
#include <marginalia/orders.h>

#include <array>

using namespace marginalia;

constexpr std::array<Parameter, 0> no_parameters{};

struct Likelihood : Objective {
    Likelihood(const Params&, const TrainingSetup& given) : setup(given) {}

    // Rows of the training split, (B, D).
    virtual at::Tensor rows(TrainingStep& step) {
        const auto size = static_cast<std::int64_t>(step.dataset->size(Split::train));
        return read(*step.dataset, at::randint(size, {setup.batch}, step.generator, at::kLong));
    }

    static at::Tensor read(const Dataset& dataset, const at::Tensor& indices) {
        at::Tensor bytes = at::empty({indices.size(0), dataset.sites()}, at::kByte);
        for (std::int64_t row = 0; row < indices.size(0); ++row)
            dataset.row(Split::train, static_cast<std::size_t>(indices[row].item<std::int64_t>()),
                        {bytes[row].data_ptr<std::uint8_t>(), static_cast<std::size_t>(dataset.sites())});
        return bytes.to(at::kLong);
    }

    at::Tensor loss(TrainingStep& step) override {
        const ChainLink link = random_chain_link(rows(step), setup.domain.categories, step.generator);
        const at::Tensor log_p = step.network.conditional_at(link.before, link.site).log_softmax(1);
        return log_p.gather(1, link.symbol.unsqueeze(1)).mean() * -static_cast<double>(setup.domain.sites);
    }

    const TrainingSetup setup;
};
