#include <ATen/ATen.h>
#include <ATen/core/PhiloxRNGEngine.h>
#include <ATen/core/grad_mode.h>
#include <marginalia/host.h>
#include <marginalia/objective.h>
#include <marginalia/orders.h>
#include <marginalia/rows.h>

#include <algorithm>
#include <limits>

#include "for_rows.h"

namespace marginalia {
namespace {

// A random permutation of 0..count-1 by Fisher and Yates' shuffle, inside out, which touches each place twice where
// sorting random keys took a tenth of a small network's step. Each draw is uniform up to one part in 2^32 / count.
void shuffle_into(std::int64_t* places, std::int64_t count, at::philox_engine& random) {
    for (std::int64_t i = 0; i < count; ++i) {
        const auto other = static_cast<std::int64_t>(std::uint64_t{random()} * static_cast<std::uint64_t>(i + 1) >> 32);
        places[i] = places[other];
        places[other] = i;
    }
}

}  // namespace

// A stream of numbers for each row, so that the rows can be shared out among threads and come out the same however they
// are.
at::Tensor random_orders(std::int64_t rows, std::int64_t sites, at::Generator& generator, const at::Device& device) {
    if (!device.is_cpu())
        return at::rand({rows, sites}, generator, at::TensorOptions().device(device)).argsort(std::int64_t{1});
    const auto seed = static_cast<std::uint64_t>(host_integer(0, std::numeric_limits<std::int64_t>::max(), generator));
    at::Tensor order = at::empty({rows, sites}, at::kLong);
    std::int64_t* to = order.mutable_data_ptr<std::int64_t>();
    for_rows(rows, 1 + 16384 / std::max<std::int64_t>(sites, 1), [&](std::int64_t first, std::int64_t last) {
        for (std::int64_t row = first; row < last; ++row) {
            at::philox_engine random(seed, static_cast<std::uint64_t>(row));
            shuffle_into(to + row * sites, sites, random);
        }
    });
    return order;
}

at::Tensor spread_orders(std::int64_t rows, const std::vector<std::int64_t>& shape, at::Generator& generator,
                         const at::Device& device) {
    const at::TensorOptions whole = at::TensorOptions(at::kLong).device(device);
    std::int64_t sites = 1, bits = 0;
    for (const std::int64_t length : shape) {
        sites *= length;
        while ((std::int64_t{1} << bits) < length) ++bits;
    }
    std::vector<at::Tensor> places;  // along each axis, (B, D)
    const at::Tensor site = at::arange(sites, whole).unsqueeze(0);
    std::int64_t below = sites;
    for (const std::int64_t length : shape) {
        below /= length;
        const at::Tensor shift = at::randint(length, {rows, 1}, generator, whole);
        places.push_back((site.div(below, "floor").remainder(length) + shift).remainder(length));
    }
    at::Tensor rank = at::zeros({rows, sites}, whole);
    for (std::int64_t bit = 0; bit < bits; ++bit) {
        at::Tensor crossed = at::zeros_like(rank);  // diagonal neighbours before those side by side
        for (const at::Tensor& place : places) {
            crossed = crossed.bitwise_xor(place.bitwise_right_shift(bit).bitwise_and(1));
            rank = rank * 2 + crossed.bitwise_xor(at::randint(2, {rows, 1}, generator, whole));
        }
    }
    return rank.argsort(std::int64_t{1});
}

at::Tensor positions_of_sites(const at::Tensor& order) {
    return at::empty_like(order).scatter_(1, order, at::arange(order.size(1), order.options()).expand_as(order));
}

at::Tensor random_sites(std::int64_t rows, std::int64_t sites, std::int64_t count, at::Generator& generator,
                        const at::Device& device) {
    if (count * 8 > sites) return random_orders(rows, sites, generator, device).slice(1, 0, count).contiguous();
    const at::Tensor keys = at::rand({rows, sites}, generator, at::TensorOptions().device(device));
    return std::get<1>(keys.topk(count, 1));
}

ChainLink random_chain_link(const at::Tensor& x, std::int64_t categories, at::Generator& generator) {
    const std::int64_t rows = x.size(0), sites = x.size(1);
    const at::Tensor rank = random_orders(rows, sites, generator, x.device());  // of each site
    const at::Tensor position = at::randint(sites, {rows, 1}, generator, rank.options());
    const at::Tensor site = (rank == position).to(at::kByte).argmax(1, true), symbol = x.gather(1, site);
    const at::Tensor before = x.masked_fill(rank >= position, categories);
    return {before, before.scatter(1, site, symbol), site.squeeze(1), symbol.squeeze(1)};
}

at::Tensor sample_symbols(const at::Tensor& logits, at::Generator& generator) {
    const at::Tensor noise = at::rand(logits.sizes(), generator, logits.options().dtype(at::kFloat));
    // Exponential races: argmin of E_k / p_k. 1 - u lies in (0, 1], so that its logarithm is finite.
    return (logits.to(at::kFloat) - (-(1 - noise).log()).clamp_min(3e-8).log()).argmax(1);
}

at::Tensor BatchEnergy::log_density(const at::Tensor& x) {
    start(x);
    return finish();
}

at::Tensor training_states(TrainingStep& step, const TrainingSetup& setup) {
    const at::NoGradGuard no_grad;
    if (step.sampler) return step.sampler->draw(step.network, step.generator);
    if (step.rows.defined()) return random_rows(step.rows, setup.batch, step.host_generator);
    if (step.dataset) return random_rows(*step.dataset, Split::train, setup.batch, step.host_generator, setup.device);
    throw Error("there are no states to train on; give the experiment a [sampler] or a [dataset]");
}

}  // namespace marginalia
