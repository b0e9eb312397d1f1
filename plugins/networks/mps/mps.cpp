#include <ATen/ATen.h>
#include <fmt/format.h>
#include <marginalia/network.h>

#include "mps_methods.h"

namespace {

using marginalia::Domain;
using marginalia::Parameter;
using marginalia::ParameterType;
using marginalia::Params;

constexpr Parameter parameters[] = {
    {.name = "bond",
     .type = ParameterType::integer,
     .fallback = "16",
     .minimum = 1,
     .maximum = 1024,
     .unit = "states",
     .help = "χ, the states of the bond between two sites of the chain"},
    {.name = "kind",
     .type = ParameterType::text,
     .fallback = "\"non-negative\"",
     .choices = "non-negative|born",
     .help = "p as a product of matrices with no entry below 0, or as the square of a product of real ones"},
    {.name = "order",
     .type = ParameterType::text,
     .fallback = "\"snake\"",
     .choices = "snake|rows",
     .help = "how the chain runs over a lattice: there and back, so that each step goes to a neighbour, or row by row"},
    {.name = "noise",
     .type = ParameterType::number,
     .fallback = "0.2",
     .minimum = 1e-6,
     .maximum = 10,
     .help = "spread of the weights at the start; near 0 it is the uniform distribution, with bond states alike"},
};

constexpr const char* manual = R"(A matrix product state (tensor train): a chain of D sites, each with K matrices of χ x
χ, whose marginals obey the sum rule by construction. With 1 the vector of ones and the product in the order of the
chain,

    non-negative    p(x) = 1ᵀ Π_d A_d[x_d] 1 / Z         A = w², entry by entry
    born            p(x) = (1ᵀ Π_d A_d[x_d] 1)² / Z      A = w, real

A symbol □ is the sum over a site's K symbols: A_d[□] = Σ_k A_d[k] (non-negative), and for Born the map E -> Σ_k A_d[k]ᵀ
E A_d[k] of the χ x χ environment E. So the marginal of any set of sites is one sweep, and Z is the same sweep with □
everywhere: log p(∅) = 0. The chain is swept from both ends at once, which halves the steps. Vectors and environments
are divided by their size at every site, and the logarithms added in double precision. Conditionals are ratios of the
same marginals, normalised. Further methods: `sample(u)` of uniform numbers (B, D) draws independent states in one
sweep; `log_marginal_relaxed` takes weights (B, D, K) of the symbols of full states.

Which `bond` is enough: an open chain of spins with neighbour couplings takes χ = 2, a lattice of width W up to 2^W. At
equal χ each kind can represent states that the other cannot. A pass over B rows costs 2 B D K χ² operations
(non-negative, and Born on full states) or 4 B D K χ³ (Born on partial states, and once for Z); the gradient twice as
much again. `conditional_logits` keeps 2 D B χ numbers, Born 2 D B χ².

The start is A_d[k] near a constant times the identity, which is the uniform distribution: symbols do not matter, and
each bond state is carried along the whole chain. The noise makes bond states differ; without it their gradients would
be equal. Learning rates of 0.01 to 0.1 suit these weights, 0.01 to 0.03 if they are Born's, whose amplitudes of both
signs cancel: where p is small for that reason, log-probabilities lose digits and gradients are steep. Precision
"bfloat16" suits neither kind: its errors add up along the chain.

References: U. Schollwöck, Ann. Phys. 326, 96 (2011). Z.-Y. Han et al., Phys. Rev. X 8, 031012 (2018), Born machines. I.
Glasser et al., NeurIPS 2019 (arXiv 1907.03741), what non-negative and Born tensor networks can represent.)";

// The site at each place of the chain. Running there and back is the reflected Gray code in the digits of the shape: a
// digit runs backwards where the number of the digits before it is odd.
at::Tensor chain_order(const Domain& domain, bool snake) {
    std::vector<std::int64_t> shape = domain.layout.shape;
    if (shape.empty()) shape = {domain.sites};
    at::Tensor order = at::empty({domain.sites}, at::kLong);
    std::int64_t* const site = order.data_ptr<std::int64_t>();
    for (std::int64_t place = 0; place < domain.sites; ++place) {
        std::int64_t stride = 1, rest = place;
        site[place] = 0;
        for (std::size_t axis = shape.size(); axis-- > 0;) {
            const std::int64_t digit = rest % shape[axis];
            rest /= shape[axis];
            site[place] += stride * (snake && rest % 2 == 1 ? shape[axis] - 1 - digit : digit);
            stride *= shape[axis];
        }
    }
    return order;
}

at::Tensor start_weights(const Domain& domain, std::int64_t bond, bool born, double noise, at::Generator& generator) {
    constexpr double kept = 0.99;  // of a bond state's weight from one site to the next
    const at::Tensor spread = noise * at::randn({domain.sites, domain.categories, bond, bond}, generator, at::kFloat);
    if (born) return at::eye(bond) + spread / std::sqrt(static_cast<double>(bond));
    return (kept * at::eye(bond) + (1 - kept) / static_cast<double>(bond)).sqrt() * spread.exp();
}

marginalia::NetworkBuilder build(const Params& params, const Domain& domain, at::Generator& generator) {
    const std::int64_t bond = params.integer("bond"), sites = domain.sites, categories = domain.categories;
    const bool born = params.text("kind") == "born";
    const std::int64_t padding = sites % 2;
    const at::Tensor order = chain_order(domain, params.text("order") == "snake");
    at::Tensor pad = at::zeros({padding, categories, bond, bond});
    if (padding == 1) pad[0][0] = at::eye(bond);
    marginalia::NetworkBuilder network("mps");
    network.parameter("w", start_weights(domain, bond, born, params.number("noise"), generator));
    network.buffer("table", at::cat({at::eye(categories), at::ones({1, categories})}));
    network.buffer("order", order);
    network.buffer("place", order.argsort());
    network.buffer("pad", pad);
    network.constant("consistent", std::int64_t{1});
    const std::string methods =
        std::string(mps::shared_methods) + (born ? mps::born_methods : mps::non_negative_methods);
    network.define(fmt::format(
        fmt::runtime(methods), fmt::arg("sites", sites), fmt::arg("categories", categories), fmt::arg("bond", bond),
        fmt::arg("fan_in", categories * bond), fmt::arg("padding", padding), fmt::arg("half", (sites + padding) / 2),
        // Sweeps from both ends take as much work as three forks.
        fmt::arg("forks", categories <= 3 ? "True" : "False"),
        fmt::arg("matrices", born ? "self.w" : "self.w * self.w"),
        fmt::arg("vector_size", born ? "v.detach().abs().sum(2, keepdim=True)" : "v.detach().sum(2, keepdim=True)"),
        fmt::arg("way_weights", born ? "(torch.matmul(ways, rest) * ways).sum(2)" : "torch.matmul(ways, rest)"),
        fmt::arg("tiny", "1e-35")));
    return network;
}

}  // namespace

MARGINALIA_NETWORK(build, "mps", "matrix product state, whose marginals are exactly consistent", manual, parameters);
