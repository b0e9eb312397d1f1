#include "kernel/train/sampling.h"

#include <ATen/ATen.h>
#include <marginalia/network_joint.h>
#include <marginalia/orders.h>

namespace marginalia {

namespace {

// Walks along the first `steps` sites of each row's order (rows, D), from a state of all □: chooses(site, logits) gives
// the symbols, □ where a row has come to its end.
template <class Choose>
DrawnStates walk(const Network& network, const at::Tensor& order, std::int64_t steps, const Choose& choose,
                 const std::function<void()>& tick) {
    const std::int64_t rows = order.size(0), unknown = network.domain().categories;
    at::Tensor x = at::full({rows, network.domain().sites}, unknown, order.options());
    at::Tensor log_p = at::zeros({rows}, order.options().dtype(at::kDouble));
    for (std::int64_t t = 0; t < steps; ++t) {
        const at::Tensor site = order.select(1, t);
        const at::Tensor logits = network.conditional_at(x, site);
        const at::Tensor symbol = choose(site, logits).unsqueeze(1);
        const at::Tensor added = logits.log_softmax(1, at::kDouble).gather(1, symbol.clamp_max(unknown - 1));
        log_p += added.masked_fill(symbol == unknown, 0).squeeze(1);
        x.scatter_(1, site.unsqueeze(1), symbol);
        tick();
    }
    return {x.cpu(), log_p.cpu()};
}

// Calls body(first, count) for pieces of `batch` rows, and counts its ticks, D a piece.
template <class Body>
void in_pieces(std::int64_t rows, std::int64_t batch, std::int64_t sites, const KeepGoing& keep_going, const Body& body) {
    const std::int64_t total = (rows + batch - 1) / batch * sites;
    std::int64_t done = 0;
    const std::function<void()> tick = [&] {
        if (!keep_going(++done, total)) throw Interrupted{};
    };
    for (std::int64_t first = 0; first < rows; first += batch) body(first, std::min(batch, rows - first), tick);
}

}  // namespace

DrawnStates draw_states(const Network& network, std::int64_t count, std::int64_t batch, at::Generator& generator,
                        const at::Device& device, const KeepGoing& keep_going) {
    const at::NoGradGuard no_grad;
    std::vector<at::Tensor> states, densities;
    in_pieces(count, batch, network.domain().sites, keep_going, [&](std::int64_t, std::int64_t rows, const auto& tick) {
        const auto choose = [&](const at::Tensor&, const at::Tensor& logits) { return sample_symbols(logits, generator); };
        const std::int64_t sites = network.domain().sites;
        DrawnStates piece = walk(network, random_orders(rows, sites, generator, device), sites, choose, tick);
        states.push_back(piece.x);
        densities.push_back(piece.log_p);
    });
    return {at::cat(states), at::cat(densities)};
}

at::Tensor conditional_log_density(const Network& network, const at::Tensor& x, std::int64_t batch, at::Generator& generator,
                                   const at::Device& device, const KeepGoing& keep_going) {
    const at::NoGradGuard no_grad;
    std::vector<at::Tensor> densities;
    in_pieces(x.size(0), batch, x.size(1), keep_going, [&](std::int64_t first, std::int64_t rows, const auto& tick) {
        const at::Tensor given = x.slice(0, first, first + rows).to(device);
        const at::Tensor unknown = given == network.domain().categories;
        const at::Tensor keys = at::rand(given.sizes(), generator, at::TensorOptions().device(device));
        const at::Tensor order = (keys + unknown).argsort(std::int64_t{1});  // what is known comes first
        const std::int64_t steps = x.size(1) - unknown.sum(1).min().item<std::int64_t>();
        const auto choose = [&](const at::Tensor& site, const at::Tensor&) {
            return given.gather(1, site.unsqueeze(1)).squeeze(1);
        };
        densities.push_back(walk(network, order, steps, choose, tick).log_p);
    });
    return at::cat(densities);
}

at::Tensor marginal_log_density(const Network& network, const at::Tensor& x, std::int64_t batch, const at::Device& device) {
    const at::NoGradGuard no_grad;
    std::vector<at::Tensor> densities;
    for (const at::Tensor& piece : x.split(batch)) densities.push_back(network.log_marginal(piece.to(device)).to(at::kDouble).cpu());
    return at::cat(densities);
}

}  // namespace marginalia
