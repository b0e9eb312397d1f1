// A restricted Boltzmann machine with its hidden units summed out.
#pragma once

#include <marginalia/states.h>

#include <cstdint>
#include <string>
#include <vector>

namespace rbm {

struct Weights {
    std::size_t hidden = 0, visible = 0;
    std::vector<double> couplings;     // (visible, hidden): visible unit d's couplings are contiguous
    std::vector<double> visible_bias;  // b
    std::vector<double> hidden_bias;   // c
};

// Reads couplings of shape (hidden, visible) and biases from .npy files; an empty path is a bias of zeros. Throws Error
// naming the file.
Weights read_weights(const std::string& couplings, const std::string& visible_bias, const std::string& hidden_bias);

// f(v) = exp(b.v) prod_j (1 + exp(c_j + W_j v)); symbol 2 is unknown. Threads: all methods may be called at once.
class Machine {
public:
    explicit Machine(Weights weights) : weights_(std::move(weights)) {}

    const Weights& weights() const { return weights_; }

    // log f of a state, unknown units at one half and log 2 for each: equal to log f of full states, and never above
    // the log of the sum over the unknown units, as log f is convex.
    double log_f(marginalia::State v) const;

    // Of a full state with unit d at 0 and at 1, up to a constant that both share.
    void site_log_f(marginalia::State v, std::size_t d, std::span<double> out) const;

    // d log f / d v_d = b_d + sum_j sigmoid(c_j + W_j v) W_jd of a full state, at the cost of one log f.
    std::vector<double> gradient(marginalia::State v) const;

    // E[number of hidden units that are on | v].
    double hidden_on(marginalia::State v) const;

    // Whether log_sum() is affordable for every partial state: at most 20 units in the smaller layer and 2^27 terms.
    bool exact() const;
    bool visible_exact() const;  // the same for a sum over the visible units, whatever the hidden layer's size

    // log of the sum of f over the unknown units. With U of them, the smaller of U and the hidden layer is enumerated,
    // the other one is a product: sum_h exp(c'.h) prod_d (1 + exp(b_d + (W'h)_d)).
    double log_sum(marginalia::State partial) const;

    // log Z - E[log f]; only where visible_exact().
    double entropy() const;

    // Independent states, row after row; only where exact().
    std::vector<std::uint8_t> samples(std::size_t count, std::uint64_t seed) const;

private:
    std::vector<double> hidden_inputs(marginalia::State v, double unknown) const;

    const Weights weights_;
};

}  // namespace rbm
