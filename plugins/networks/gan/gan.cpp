#include <ATen/ATen.h>
#include <marginalia/network.h>

#include "../latent_code.h"

namespace {

using marginalia::Domain;
using marginalia::Parameter;
using marginalia::Params;

constexpr Parameter parameters[] = {marginalia::latent_code::code, marginalia::latent_code::width,
                                    marginalia::latent_code::body};

constexpr const char* manual = R"(Generator and critic of discrete states, for objective `gan`:

    z ~ N(0, 1), L numbers;  x_d ~ softmax(decode(z)_d), independently given z     the generator
    judge(p), one number for weights (D, K) of the symbols                         the critic

The generator is the decoder of network `vae`; the critic reads weights of the symbols as that one's encoder reads
states, so that it has a gradient in them. Layouts of two axes take convolutions of 3 x 3, sequences 1 x 5, others, and
`body = "perceptron"`, a perceptron of two hidden layers. At the start the critic is 0.

The network has no log p_θ and no conditionals: other objectives cannot use it.

References: I. Goodfellow et al., Generative adversarial nets, NeurIPS 2014 (arXiv 1406.2661).)";

constexpr const char* critic = R"(
    def judge(self, p: Tensor) -> Tensor:
        return self.critic_reads(p).squeeze(1)
)";

marginalia::NetworkBuilder build(const Params& params, const Domain& domain, at::Generator& generator) {
    const marginalia::LatentCode latent(params, domain);
    marginalia::NetworkBuilder network("gan");
    std::string source = latent.add_decoder(network, generator);
    source += latent.add_reader(network, "critic_", domain.categories, 1, generator);
    network.define(source + critic);
    return network;
}

}  // namespace

MARGINALIA_NETWORK(build, "gan", "generator and critic, for objective gan", manual, parameters);
