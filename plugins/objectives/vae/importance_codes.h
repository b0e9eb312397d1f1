// Codes drawn where the encoder guesses them, and their weights.
#pragma once

#include <marginalia/model.h>

#include "../latent_codes.h"

namespace marginalia {

// q(z | x_S) of the rows of x (B, D), from one pass of the encoder. Gradients flow where grad mode is on.
class CodeGuess {
public:
    CodeGuess(const Network& network, const at::Tensor& x);

    struct Weighed {
        at::Tensor log_w;   // (k, B) float64: log of p(x_S | z) p(z) / q(z | x_S)
        at::Tensor picked;  // (B, L): of each row's codes one, by its weight; only where it was asked for
    };

    // By `codes` independent codes a row, some thousand rows of the decoder at a time.
    Weighed weigh(std::int64_t codes, at::Generator& generator, const Tick& tick, bool pick = false) const;

    // (k, B): by the same numbers e for every row and every call.
    at::Tensor weigh_by_same(std::int64_t codes) const;

    // (B) of given codes (B, L).
    at::Tensor log_weights(const at::Tensor& z) const;

private:
    at::Tensor weights_of(const at::Tensor& e) const;  // (n, B, L) numbers -> (n, B)
    std::int64_t codes_at_once() const;

    const Network& network_;
    const at::Tensor x_;
    at::Tensor mean_, log_scale_;
};

// log of the mean over the first axis.
at::Tensor log_mean(const at::Tensor& log_w);

}  // namespace marginalia
