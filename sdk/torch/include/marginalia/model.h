// Models: a trained network read as a distribution over full states.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include <ATen/core/Generator.h>
#include <ATen/core/TensorBody.h>

#include <marginalia/network.h>

namespace marginalia {

// Called after each pass of a long computation; throws to give it up.
using Tick = std::function<void()>;

struct Generated {
    at::Tensor x;      // (M, D) int64 (real_sites.h), all sites known, on the network's device
    at::Tensor log_p;  // (M) float64: the log-density of each row, normalised
};

// How the states of a trained network are drawn and what density it gives a state. An objective decides: the same
// network is read in random orders (any-order models), in one fixed order, or in an order that it chooses itself.
//
// Called with grad mode off, from one thread. The network must outlive it.
class MARGINALIA_API Model {
public:
    // What log-densities are worth.
    enum class Density {
        exact,  // log p(x)
        // On average at least log p(x) for drawn states and at most log p(x) for given ones, so that a figure made of
        // them is never better than the true one.
        bound,
        estimate,  // log p(x) up to the error of an estimated normalisation
        none,      // it is not known: log_density throws Error, and drawn states have NaN
    };

    explicit Model(const Network& network) : network_(network) {}
    virtual ~Model() = default;
    Model(const Model&) = delete;
    Model& operator=(const Model&) = delete;

    virtual Density density() const { return Density::exact; }

    virtual Generated generate(std::int64_t count, at::Generator& generator, const Tick& tick) const = 0;

    // Rows x (M, D), each with its unknown sites drawn given the known ones; log_p is the log-density of what was drawn
    // given what was known. Throws Error where the model draws full states only, or knows no density for such rows.
    virtual Generated complete(const at::Tensor& x, at::Generator& generator, const Tick& tick) const;

    // (M) float64 of full or partial rows x (M, D). Throws Error for partial rows where the model has no density for
    // them.
    virtual at::Tensor log_density(const at::Tensor& x, at::Generator& generator, const Tick& tick) const = 0;

    // An unbiased estimate of the mean of log_density over its random choices, from `points` passes a row at once where
    // a pass a site is the alternative (estimate_log_density below); log_density itself where there is none. x as
    // there.
    virtual at::Tensor log_density_estimate(const at::Tensor& x, std::int64_t points, at::Generator& generator,
                                            const Tick& tick) const;

    // log p_θ(x_S) in one pass, or as few as it takes: (M) float64. Means something only where the objective trains
    // marginals.
    virtual at::Tensor log_marginal(const at::Tensor& x) const;

    // The passes of the network that log_marginal takes for a row; more than 1 where it is an estimate.
    virtual std::int64_t marginal_passes() const { return 1; }

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

// Whether a model is the one that any_order_model makes of a network whose marginals are not exact, so that it can be
// read in few passes.
MARGINALIA_API bool is_any_order(const Model& model);

// The same conditionals, several sites a pass: at most `passes` passes a state, 1 or more, whatever its size. The sites
// of a pass are drawn independently given what is known before it, in a random order that keeps them far apart: as many
// as have the pass's share of the entropy of all open sites by the conditionals, little while little is known. What is
// certain costs no pass. log_p and log_density are exact for this way of drawing, in the order drawn for the row:
// states drawn so are not quite those of the network drawn site by site, and the fewer the passes the less so.
MARGINALIA_API std::unique_ptr<Model> few_pass_model(const Network& network, std::int64_t passes);

// Full states drawn along `order` (M, D): sites in the order in which they become known.
MARGINALIA_API Generated generate_along(const Network& network, const at::Tensor& order, at::Generator& generator,
                                        const Tick& tick);

// The rows x (M, D) with their unknown sites drawn along `order` (M, D), in which these come first, and log p_φ of what
// was drawn given what was known. As many passes as the row that knows least has unknown sites: `most_unknown`, where
// the caller knows it, so that the host need not wait for x to count them.
MARGINALIA_API Generated complete_along(const Network& network, const at::Tensor& x, const at::Tensor& order,
                                        at::Generator& generator, const Tick& tick,
                                        std::optional<std::int64_t> most_unknown = std::nullopt);

// log p_φ of the known sites of x (M, D) along `order`, in which they come first: (M) float64. As many passes as the
// row that knows most has known sites: `most_known`, where the caller knows it.
MARGINALIA_API at::Tensor log_density_along(const Network& network, const at::Tensor& x, const at::Tensor& order,
                                            const Tick& tick, std::optional<std::int64_t> most_known = std::nullopt);

// An unbiased estimate of E_σ[log p_φ(x_S along σ)] for each row of x (M, D) of which S, of size s, is known: (M)
// float64. With r(d) the mean of log p_φ(x_k | x_T) over k in S outside T, T the first d sites of a random order of S,
// the sum of r(d) over d is taken as
//   sum over j of (π s / 2m) sin(π v_j) r(floor(s sin²(π v_j / 2)))     v_j uniform in [j/m, (j+1)/m), j = 0..m-1, m =
//   points >= 1
// with most points where few sites are known or few are left, and the orders turned against each other from point to
// point: one pass of M m rows in place of s passes of M (stratification: A. B. Owen, Monte Carlo theory, methods and
// examples, 2013, ch. 8).
MARGINALIA_API at::Tensor estimate_log_density(const Network& network, const at::Tensor& x, std::int64_t points,
                                               at::Generator& generator);

}  // namespace marginalia
