// What a network gives for states, by each method that trials ask of it: its two heads, or what it has in their place.
#pragma once

#include <ATen/core/TensorBody.h>
#include <marginalia/network.h>

#include <string>
#include <vector>

namespace marginalia {

struct Output {
    const char* method;
    at::Tensor values;                 // (B, ...)
    std::vector<std::int64_t> of_row;  // the shape that they should have after the rows
    const char* shape;                 // the same in words
};

// Of states x (B, D). Methods that take full states get them without their □, as symbol K - 1, critics one-hot;
// decoders get a code made of each state.
std::vector<Output> outputs_of(const Network& network, const at::Tensor& x);

// Codes (B, L) of decoders, each a function of its row of x.
at::Tensor codes_of(const Network& network, const at::Tensor& x);

// Checks of networks that draw full states and know no marginals. Each throws NotApplicable where the network lacks the
// methods.
struct NetworkProbe;
std::string check_normalised(const NetworkProbe& probe);  // exp(log_density) sums to 1 over all states
std::string check_draws(const NetworkProbe& probe);       // sample(u) draws by log_density

}  // namespace marginalia
