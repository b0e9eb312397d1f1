// Models: a trained network read as a distribution over full states.
#pragma once

#include <functional>
#include <memory>

#include <ATen/core/Generator.h>
#include <ATen/core/TensorBody.h>

#include <marginalia/network.h>

namespace marginalia {

// Called after each pass of a long computation; throws to give it up.
using Tick = std::function<void()>;

struct Generated {
    at::Tensor x;      // (M, D) int64, all sites known, on the network's device
    at::Tensor log_p;  // (M) float64: the log-density of each row, normalised
};

// How the states of a trained network are drawn and what density it gives a state. An objective decides: the same network
// is read in random orders (any-order models), in one fixed order, or in an order that it chooses itself.
//
// Called with grad mode off, from one thread. The network must outlive it.
class MARGINALIA_API Model {
public:
    // What log-densities are worth.
    enum class Density {
        exact,     // log p(x)
        bound,     // of drawn states at least log p(x) in the mean, of given ones at most: figures err to the worse side
        estimate,  // log p(x) up to the error of an estimated normalisation
    };

    explicit Model(const Network& network) : network_(network) {}
    virtual ~Model() = default;
    Model(const Model&) = delete;
    Model& operator=(const Model&) = delete;

    virtual Density density() const { return Density::exact; }

    virtual Generated generate(std::int64_t count, at::Generator& generator, const Tick& tick) const = 0;

    // (M) float64 of full or partial rows x (M, D). Throws Error for partial rows where the model has no density for them.
    virtual at::Tensor log_density(const at::Tensor& x, at::Generator& generator, const Tick& tick) const = 0;

    // log p_θ(x_S) in one pass: (M) float64. Means something only where the objective trains marginals.
    virtual at::Tensor log_marginal(const at::Tensor& x) const;

protected:
    const Network& network() const { return network_; }

private:
    const Network& network_;
};

// Every row in a random order of its own: D passes, one of log p_φ at one site of each row. All orders of a consistent
// network give the same, so where it can it samples and scores without them, in a pass each.
MARGINALIA_API std::unique_ptr<Model> any_order_model(const Network& network);

// All rows in site order 0..D-1. Partial rows must know the first sites of it and no others.
MARGINALIA_API std::unique_ptr<Model> fixed_order_model(const Network& network);

// Full states drawn along `order` (M, D): sites in the order in which they become known.
MARGINALIA_API Generated generate_along(const Network& network, const at::Tensor& order, at::Generator& generator,
                                        const Tick& tick);

// log p_φ of the known sites of x (M, D) along `order`, in which they come first: (M) float64. As many passes as the row
// that knows most has known sites.
MARGINALIA_API at::Tensor log_density_along(const Network& network, const at::Tensor& x, const at::Tensor& order,
                                            const Tick& tick);

}  // namespace marginalia
