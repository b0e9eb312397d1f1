#include <ATen/ATen.h>
#include <fmt/format.h>
#include <marginalia/network.h>

#include "../latent_code.h"

namespace {

using marginalia::Domain;
using marginalia::Parameter;
using marginalia::Params;

constexpr Parameter parameters[] = {marginalia::latent_code::code, marginalia::latent_code::width,
                                    marginalia::latent_code::body};

constexpr const char* manual = R"(The two networks of a variational autoencoder of discrete states, for objective `vae`:

    z ~ N(0, 1), L numbers                                    the code of a state
    p(x | z) = product over d of softmax(decode(z)_d)[x_d]     sites independent given the code
    q(z | x_S) = N(m, s²),  (m, log s) = encode(x_S)           a guess at p(z | x_S), for partial states too

`encode` reads K + 1 symbols, □ being one, by convolutions that halve the resolution twice; `decode` goes the same way
back, with logits of each site's own at the end. Layouts of two axes take convolutions of 3 x 3, sequences 1 x 5, so
that each token's logits come from the code and from its place; others, and `body = "perceptron"`, a perceptron of two
hidden layers. At the start q(z | x) is the prior.

The network has no log p_θ and no conditionals: other objectives cannot use it.

References: D. P. Kingma, M. Welling, Auto-encoding variational Bayes, ICLR 2014 (arXiv 1312.6114).)";

constexpr const char* encoder = R"(
    def encode(self, x: Tensor) -> Tensor:
        return self.reads(torch.one_hot(x, {symbols}).to(self.read0_w.dtype))
)";

marginalia::NetworkBuilder build(const Params& params, const Domain& domain, at::Generator& generator) {
    const marginalia::LatentCode latent(params, domain);
    marginalia::NetworkBuilder network("vae");
    const std::int64_t symbols = domain.categories + 1;
    std::string source = latent.add_decoder(network, generator);
    source += latent.add_reader(network, "", symbols, 2 * latent.code(), generator);
    network.define(source + fmt::format(encoder, fmt::arg("symbols", symbols)));
    return network;
}

}  // namespace

MARGINALIA_NETWORK(build, "vae", "encoder and decoder of codes, for objective vae", manual, parameters);
