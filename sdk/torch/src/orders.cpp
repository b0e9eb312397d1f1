#include <marginalia/orders.h>

#include <algorithm>
#include <vector>

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <marginalia/objective.h>
#include <marginalia/rows.h>

namespace marginalia {
namespace {

// Places 0..count-1 by rising key, equal keys by place; keys are uniform in [0, 1). Each goes to the bucket where it belongs if they
// were spread evenly, so that hardly any is far from its place: linear time, where argsort took a tenth of a small network's step.
void sort_places(const float* keys, std::int64_t count, std::int64_t* places, std::vector<std::int64_t>& start) {
    const auto bucket = [&](float key) {
        return std::min(static_cast<std::int64_t>(key * static_cast<float>(count)), count - 1);
    };
    start.assign(static_cast<std::size_t>(count) + 1, 0);
    for (std::int64_t i = 0; i < count; ++i) ++start[bucket(keys[i]) + 1];
    for (std::int64_t i = 0; i < count; ++i) start[i + 1] += start[i];
    for (std::int64_t i = 0; i < count; ++i) places[start[bucket(keys[i])]++] = i;
    for (std::int64_t i = 1; i < count; ++i) {
        const std::int64_t place = places[i];
        std::int64_t to = i;
        for (; to > 0 && keys[places[to - 1]] > keys[place]; --to) places[to] = places[to - 1];
        places[to] = place;
    }
}

// The sites of each row by rising key, for keys (rows, sites) uniform in [0, 1).
at::Tensor order_by(const at::Tensor& keys) {
    if (!keys.device().is_cpu()) return keys.argsort(std::int64_t{1});
    const std::int64_t rows = keys.size(0), sites = keys.size(1);
    at::Tensor order = at::empty({rows, sites}, at::kLong);
    const float* from = keys.const_data_ptr<float>();
    std::int64_t* to = order.mutable_data_ptr<std::int64_t>();
    at::parallel_for(0, rows, 1 + 16384 / std::max<std::int64_t>(sites, 1), [&](std::int64_t first, std::int64_t last) {
        std::vector<std::int64_t> start;
        for (std::int64_t row = first; row < last; ++row) sort_places(from + row * sites, sites, to + row * sites, start);
    });
    return order;
}

}  // namespace

at::Tensor random_orders(std::int64_t rows, std::int64_t sites, at::Generator& generator, const at::Device& device) {
    return order_by(at::rand({rows, sites}, generator, at::TensorOptions().device(device)));
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
    const at::TensorOptions floats = at::TensorOptions().device(x.device());
    const at::Tensor keys = at::rand({rows, sites}, generator, floats);
    const at::Tensor position = at::randint(sites, {rows, 1}, generator, floats.dtype(at::kLong));
    // Only the rank of a key matters: the site at `position` in the order, and which sites come before it.
    const at::Tensor site = order_by(keys).gather(1, position);
    const at::Tensor key = keys.gather(1, site);
    const at::Tensor before = x.masked_fill(keys >= key, categories);
    const at::Tensor symbol = x.gather(1, site);
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
    if (step.dataset) return random_rows(*step.dataset, Split::train, setup.batch, step.generator, setup.device);
    throw Error("there are no states to train on; give the experiment a [sampler] or a [dataset]");
}

}  // namespace marginalia
