#include "kernel/train/sampling.h"

#include <ATen/ATen.h>
#include <marginalia/network_joint.h>
#include <marginalia/orders.h>

namespace marginalia {

namespace {

// Fills the unknown sites of a piece of rows one by one; chooses(site, logits) gives the symbols.
template <class Choose>
DrawnStates fill(const Network& network, std::int64_t rows, at::Generator& generator, const at::Device& device,
                 const Choose& choose, const std::function<void()>& tick) {
    const Domain& domain = network.domain();
    const at::Tensor order = random_orders(rows, domain.sites, generator, device);
    at::Tensor x = at::full({rows, domain.sites}, domain.categories, at::TensorOptions().dtype(at::kLong).device(device));
    at::Tensor log_p = at::zeros({rows}, at::TensorOptions().dtype(at::kDouble).device(device));
    for (std::int64_t t = 0; t < domain.sites; ++t) {
        const at::Tensor site = order.select(1, t);
        const at::Tensor logits = network.conditional_at(x, site);
        const at::Tensor symbol = choose(site, logits).unsqueeze(1);
        log_p += logits.log_softmax(1, at::kDouble).gather(1, symbol).squeeze(1);
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
        DrawnStates piece = fill(network, rows, generator, device, choose, tick);
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
        const auto choose = [&](const at::Tensor& site, const at::Tensor&) {
            return given.gather(1, site.unsqueeze(1)).squeeze(1);
        };
        densities.push_back(fill(network, rows, generator, device, choose, tick).log_p);
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
