// Log p_φ(x_S) without noise, for rows that are gone through site by site while training goes on.
#pragma once

#include <ATen/ATen.h>
#include <marginalia/network.h>
#include <marginalia/objective.h>

#include <cstdint>

namespace marginalia {

// P full rows, each with an order of its own. A step makes one more site of each row known, by one pass, and adds
// log p_φ of its symbol to the row's sum, so that this is log p_φ(x_S along the order) for what is known so far. A row
// whose last site has become known is replaced in the next step; one of a dataset that lacks cells stays as it is once
// all that it has are known, until then. Row i begins in step floor(i D / P) + 1, so that from step D on all numbers of
// known sites are there alike. Used by the training thread.
class PathPool {
public:
    // `rows` P, at most batch * D, so that a batch always has enough new rows.
    PathPool(std::int64_t rows, const TrainingSetup& setup);

    struct Targets {
        at::Tensor states;  // (n, D) int64, at least one site known
        at::Tensor log_p;   // (n) float32, nats
    };

    // Advances all rows that have begun, and returns up to `count` of them, chosen at random. `fresh` (B, D): full rows
    // to begin with.
    Targets advance(TrainingStep& step, const at::Tensor& fresh, std::int64_t count);

    StateDict state() const;            // of the pool after the last step
    void load(const StateDict& state);  // throws Error where it does not fit

private:
    // The rows that begin in `step`: from `first` up to, but not including, `end`.
    struct Range {
        std::int64_t first, end;
    };
    Range beginning(std::int64_t step) const;
    void begin(Range range, const at::Tensor& fresh, TrainingStep& step);

    const TrainingSetup setup_;
    const std::int64_t rows_;
    const at::Tensor first_step_;  // (P, 1), of each row, from 0
    at::Tensor x_;                 // (P, D) int64, all □ before
    at::Tensor order_;             // (P, D) int64: the site that is made known first, second, ...; any order before
    at::Tensor log_p_;             // (P) float64
};

}  // namespace marginalia
