// Between states and codes of normal numbers: what a variational autoencoder and a generator with its critic are made
// of.
#pragma once

#include <ATen/core/Generator.h>
#include <marginalia/network.h>

#include <string>

namespace marginalia {

namespace latent_code {

constexpr Parameter code = {.name = "code",
                            .type = ParameterType::integer,
                            .fallback = "32",
                            .minimum = 1,
                            .maximum = 4096,
                            .unit = "numbers",
                            .help = "L, the normal numbers of which a state is made"};

constexpr Parameter width = {
    .name = "width",
    .type = ParameterType::integer,
    .fallback = "32",
    .minimum = 1,
    .maximum = 4096,
    .unit = "channels",
    .help = "at the full resolution, twice as many below; a perceptron's layers have 8 times as many units"};

constexpr Parameter body = {.name = "body",
                            .type = ParameterType::text,
                            .fallback = "\"auto\"",
                            .choices = "auto|perceptron",
                            .help = "auto: convolutions of layouts of one or two axes, a perceptron for others"};

}  // namespace latent_code

// The two directions of one network, as weights and as TorchScript.
class LatentCode {
public:
    // Reads `code`, `width` and `body`.
    LatentCode(const Params& params, const Domain& domain);

    std::int64_t code() const { return code_; }

    // PREFIXreads(p): (B, D, symbols) weights of the symbols -> (B, outputs), zero at the start.
    std::string add_reader(NetworkBuilder& network, const std::string& prefix, std::int64_t symbols,
                           std::int64_t outputs, at::Generator& generator) const;

    // decode(z): (B, L) -> (B, D, K).
    std::string add_decoder(NetworkBuilder& network, at::Generator& generator) const;

private:
    const Domain& domain_;
    const std::int64_t code_, width_;
    const bool perceptron_;
};

}  // namespace marginalia
