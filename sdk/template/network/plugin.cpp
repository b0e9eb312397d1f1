// The network '@NAME@': a perceptron with one hidden layer that gives log-marginals and conditionals of partial states.
//   h(x_S) = tanh(W onehot(x_S) + b)            onehot: D (K+1) inputs, the unknown symbol □ being symbol K
//   log p(x_S) = w·h(x_S) - w·h(all □) - |S| log K
//   logits of p(x_d | x_S) = V_d h(x_S) + c_d
#include <cmath>

#include <ATen/ATen.h>
#include <marginalia/network.h>

namespace {

using marginalia::ParameterType;

// What may be written in [network] of an experiment file.
constexpr marginalia::Parameter parameters[] = {
    {.name = "hidden",
     .type = ParameterType::integer,
     .fallback = "64",
     .minimum = 1,
     .maximum = 65536,
     .unit = "units",
     .help = "width of the hidden layer"},
};

constexpr const char* manual = R"(A perceptron with one hidden layer over one-hot symbols. The value at all □ is
subtracted, so that log p(nothing known) = 0 holds exactly.)";

// TorchScript, compiled once for each trial and stored with every checkpoint: `torch.jit.load` opens it in Python. x is
// (B, D) of symbols 0..K, on whatever device the network is moved to; so make constants from x or from a weight.
constexpr const char* methods = R"(
    def hidden(self, x: Tensor) -> Tensor:
        one_hot = torch.one_hot(x, self.categories + 1).flatten(1).to(self.w.dtype)
        return torch.tanh(torch.linear(one_hot, self.w, self.b))

    def log_marginal(self, x: Tensor) -> Tensor:
        blank = torch.full([1, x.size(1)], self.categories, dtype=x.dtype, device=x.device)
        h = self.hidden(torch.cat([x, blank]))
        # In float32 whatever train.precision says: log-probabilities of many sites do not fit bfloat16.
        score = torch.mv(h.to(self.w_marginal.dtype), self.w_marginal)
        known = (x < self.categories).sum(1).to(score.dtype)
        return score[:-1] - score[-1] - self.log_categories * known

    def conditional_logits(self, x: Tensor) -> Tensor:
        logits = torch.linear(self.hidden(x), self.w_conditional, self.b_conditional)
        return logits.view(x.size(0), x.size(1), self.categories)
)";

// Every random number comes from `generator`, so that a trial's seed decides them all.
at::Tensor uniform(at::IntArrayRef shape, std::int64_t inputs, at::Generator& generator) {
    const double bound = 1 / std::sqrt(static_cast<double>(inputs));
    return at::empty(shape).uniform_(-bound, bound, generator);
}

marginalia::NetworkBuilder build(const marginalia::Params& params, const marginalia::Domain& domain,
                                 at::Generator& generator) {
    const std::int64_t hidden = params.integer("hidden"), sites = domain.sites, categories = domain.categories;
    const std::int64_t inputs = sites * (categories + 1);
    marginalia::NetworkBuilder network("@FILE@");
    network.constant("categories", categories);
    network.constant("log_categories", std::log(static_cast<double>(categories)));
    network.parameter("w", uniform({hidden, inputs}, inputs, generator));
    network.parameter("b", uniform({hidden}, inputs, generator));
    network.parameter("w_marginal", uniform({hidden}, hidden, generator));
    network.parameter("w_conditional", uniform({sites * categories, hidden}, hidden, generator));
    network.parameter("b_conditional", at::zeros({sites * categories}));
    network.define(methods);
    return network;
}

}  // namespace

MARGINALIA_NETWORK(build, "@NAME@", "a perceptron with one hidden layer", manual, parameters);
