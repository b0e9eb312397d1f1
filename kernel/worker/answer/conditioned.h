// log p of further sites given a partial state.
#pragma once

#include <ATen/core/TensorBody.h>

#include <functional>
#include <optional>

#include "kernel/worker/answer/asked.h"

namespace marginalia {

// log p of each row (M, D) on the CPU: (M) float64, nats.
using LogP = std::function<at::Tensor(const at::Tensor& rows)>;

// A trained model, and the energy that it learnt, once some sites are known. Grad mode off, one thread.
class Conditioned {
public:
    // `given` (1, D): the state x_S that is known, □ elsewhere. `asked` outlives it. Throws Error where the model's log
    // p of it is not finite.
    Conditioned(Asked& asked, at::Tensor given);

    const at::Tensor& given() const { return given_; }
    std::int64_t known() const { return known_; }  // |S|

    // Copies of the given state with symbols (M, n) at sites (M, n).
    at::Tensor with(const at::Tensor& sites, const at::Tensor& symbols) const;

    // The symbols of n sites in states of these numbers (M), the first site counting fastest: (M, n).
    at::Tensor symbols_of(const at::Tensor& numbers, std::int64_t n) const;

    // log p(x_A | x_S) of rows that know S and sites A besides: by the marginals, in one pass; by the conditionals
    // along a random order of each row. The conditionals' log p of S is then along another one.
    at::Tensor by_marginals(const at::Tensor& rows) const;
    at::Tensor by_conditionals(const at::Tensor& rows) const;

    // The same of the energy, exactly. Throws Error where it does not offer that.
    at::Tensor exactly(const at::Tensor& rows) const;

    // log p(x_S) itself by the marginals, and exactly; how much more the marginals say than the conditionals along each
    // of `count` random orders.
    double log_marginal() const { return log_marginal_; }
    double exact_of_given() const;
    at::Tensor gaps_of_given(std::int64_t count) const;

    // log p of every state of each of these sets of sites (P, n): (P, K^n).
    at::Tensor tables(const at::Tensor& sets, const LogP& log_p) const;

    // A batch of states that the model draws given x_S, with log p(x_rest | x_S), on the CPU.
    Generated draw(std::int64_t count) const;

private:
    at::Tensor log_p_of_chain(const at::Tensor& rows) const;
    at::Tensor exact_log_p(const at::Tensor& rows) const;

    Asked& asked_;
    const at::Tensor given_;
    const std::int64_t known_;
    double log_marginal_ = 0;              // of the given state
    mutable std::optional<double> exact_;  // of the given state, once asked
};

}  // namespace marginalia
