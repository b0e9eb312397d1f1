// Codes of normal numbers and the states that they decode to.
#pragma once

#include <ATen/ATen.h>
#include <marginalia/network.h>
#include <marginalia/orders.h>

#include <string>

namespace marginalia {

// That the network has the methods; throws Error naming the objective and the network to use.
inline void require_methods(const Network& network, const char* objective, std::initializer_list<const char*> methods) {
    for (const char* method : methods)
        if (!network.has(method) || network.code_size() == 0)
            throw Error(std::string("objective '") + objective + "' needs a network with the method '" + method +
                        "' and codes, and this one has not; use network '" + objective + "'");
}

// (rows, L) of N(0, 1).
inline at::Tensor prior_codes(const Network& network, std::int64_t rows, at::Generator& generator) {
    return at::randn({rows, network.code_size()}, generator,
                     at::TensorOptions().dtype(at::kFloat).device(generator.device()));
}

// One state for each row of logits (B, D, K).
inline at::Tensor draw_sites(const at::Tensor& logits, at::Generator& generator) {
    return sample_symbols(logits.flatten(0, 1), generator).view({logits.size(0), logits.size(1)});
}

// log p(x_S | z) (B) of states with unknown sites, from logits (B, D, K).
inline at::Tensor log_p_of_sites(const at::Tensor& logits, const at::Tensor& x) {
    const std::int64_t unknown = logits.size(2);
    const at::Tensor symbol = x.clamp_max(unknown - 1).unsqueeze(2);
    return logits.to(at::kFloat).log_softmax(2).gather(2, symbol).squeeze(2).masked_fill(x == unknown, 0).sum({1});
}

}  // namespace marginalia
