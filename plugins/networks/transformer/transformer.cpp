#include <ATen/ATen.h>
#include <fmt/format.h>
#include <marginalia/network.h>

#include "../two_heads.h"

namespace {

using marginalia::Domain;
using marginalia::Parameter;
using marginalia::ParameterType;
using marginalia::Params;
using marginalia::TwoHeads;

constexpr Parameter parameters[] = {
    {.name = "preset",
     .type = ParameterType::text,
     .fallback = "\"cpu-small\"",
     .choices = "cpu-small|cpu-medium|paper",
     .help = "sizes not given below: cpu-small, 4 layers of 192; cpu-medium, 6 of 256; paper, 12 of 768, the published "
             "shape"},
    {.name = "layers",
     .type = ParameterType::integer,
     .fallback = "0",
     .minimum = 0,
     .maximum = 256,
     .unit = "layers",
     .help = "layers of attention and feed-forward; 0: the preset's"},
    {.name = "width",
     .type = ParameterType::integer,
     .fallback = "0",
     .minimum = 0,
     .maximum = 16384,
     .unit = "units",
     .help = "numbers that stand for a site; 0: the preset's"},
    {.name = "heads",
     .type = ParameterType::integer,
     .fallback = "0",
     .minimum = 0,
     .maximum = 1024,
     .unit = "heads",
     .help = "heads of each attention, which divide the width; 0: the preset's"},
    {.name = "feed_forward",
     .type = ParameterType::integer,
     .fallback = "0",
     .minimum = 0,
     .maximum = 65536,
     .unit = "units",
     .help = "hidden units of each feed-forward part; 0: four times the width"},
    marginalia::two_heads::bodies,
    marginalia::two_heads::known_fraction,
    marginalia::two_heads::readout,
    marginalia::mixed_sites::components,
};

constexpr double spread = 0.3;  // of symbols' and places' vectors at the start

constexpr const char* manual = R"(A bidirectional transformer over the sites of any layout: each site attends to all
sites, known and unknown, and has a learned vector for its place, so that weights belong to one number of sites. It is
the published network for text8 and MOSES (preset `paper`: 85 million weights with D = 250, K = 27; `cpu-medium` 4.8,
`cpu-small` 1.84 million).

    h_d = E (onehot(x_d), fraction of known sites) + P_d                      onehot: K+1 symbols, □ being one
    h   = h + O attention(Q n, K n, V n),      n = norm(h)                    scaled dot products, O begins at zero
    h   = h + W_2 gelu(W_1 norm(h) + b_1) + b_2                               W_2 begins at zero
    log p_θ(x_S) = C^-1/2 sum_d u·(norm(h_d(x_S)) - norm(h_d(all □))) - |S| log K                  readout linear
                 = sum over d in S of ∫ log softmax(V_v norm(h_d(x_S)) + c_v)[x_d] d sin²(π v / 2)    readout softmax
    logits of p_φ(x_d | x_S) = V norm(h_d(x_S)) + c

Layer norms come before each part and have no scale and shift of their own: the linear map that follows has them. The
fraction of known sites is a function of x_S, so every conditional is still one of x_S alone. Attention averages and so
cannot count the unknown sites; this input tells it.

A pass over B rows costs 2 B D layers (4 C² + 2 C F + 2 D C) operations, C being the width and F the feed-forward width;
the gradient twice as much again. The conditional of one site takes the last layer's feed-forward part and queries at
that site only.

With two bodies the parameters of log p_θ have names that begin with theta_, those of p_φ with phi_. All heads begin at
zero, and log p_θ(all □) = 0 by construction. On readouts see unet.

Where sites hold real numbers or different numbers of symbols, each has an E, V and c of its own. A real site's number
and six soft steps of it, tanh(v - c), stand beside the one-hot symbols; its conditional is a mixture of `components`
normal densities. The readouts then are

    linear    C^-1/2 sum_d u·(norm(h_d(x_S)) - norm(h_d(all □))) + sum over d in S of log p_φ(x_d | all □)
    softmax   sum over d in S of ∫ log p_v(x_d) d sin²(π v / 2),  p_v the softmax or mixture of V_vd norm(h_d(x_S)) + c_vd

References: A. Vaswani et al., Attention is all you need, NeurIPS 2017 (arXiv 1706.03762). R. Xiong et al., On layer
normalization in the transformer architecture, ICML 2020 (arXiv 2002.04745), the order of norm and residual. S. Liu, P.
J. Ramadge, R. P. Adams, Generative marginalization models, ICML 2024 (arXiv 2310.12920), appendix.)";

struct Shape {
    std::int64_t layers, width, heads, feed_forward;
};

Shape preset(const std::string& name) {
    if (name == "paper") return {12, 768, 12, 3072};
    if (name == "cpu-medium") return {6, 256, 4, 1024};
    return {4, 192, 3, 768};
}

Shape shape_of(const Params& params) {
    Shape shape = preset(params.text("preset"));
    const auto given = [&](const char* key, std::int64_t otherwise) {
        return params.integer(key) == 0 ? otherwise : params.integer(key);
    };
    shape.layers = given("layers", shape.layers);
    shape.width = given("width", shape.width);
    shape.heads = given("heads", shape.heads);
    shape.feed_forward = given("feed_forward", 4 * shape.width);
    if (shape.width % shape.heads != 0)
        throw marginalia::Error("network 'transformer': heads = " + std::to_string(shape.heads) +
                                " does not divide width = " + std::to_string(shape.width) + "; change heads or width");
    return shape;
}

constexpr const char* parts = R"(
    def norm(self, h: Tensor) -> Tensor:
        return torch.layer_norm(h, [{width}], None, None, 1e-5)
)";

constexpr const char* body = R"(
    def {p}embed(self, inputs: Tensor) -> Tensor:
        e = {embedded}
        return e + self.{p}places.to(e.dtype)

    def {p}features(self, inputs: Tensor) -> Tensor:
        h = self.{p}embed(inputs)
{all_layers}
        return self.norm(h)

    def {p}features_at(self, inputs: Tensor, site: Tensor) -> Tensor:
        h = self.{p}embed(inputs)
{layers_before}
        n = self.norm(h)
        q = torch.linear(self.at_site(n, site).unsqueeze(1), self.{last}_qkv[:{width}])
        kv = torch.linear(n, self.{last}_qkv[{width}:]).chunk(2, 2)
        h = self.at_site(h, site).unsqueeze(1)
        h = h + torch.linear(marginalia.attention(q, kv[0], kv[1], {heads}), self.{last}_out)
{last_feed_forward}
        return self.norm(h).squeeze(1)
)";

constexpr const char* attention_lines = R"(
        qkv = torch.linear(self.norm(h), self.{0}_qkv).chunk(3, 2)
        h = h + torch.linear(marginalia.attention(qkv[0], qkv[1], qkv[2], {1}), self.{0}_out)
)";

constexpr const char* feed_forward_lines = R"(
        g = marginalia.gelu(torch.linear(self.norm(h), self.{0}_w1, self.{0}_b1))
        h = h + torch.linear(g, self.{0}_w2, self.{0}_b2)
)";

// Of columns of a table each has weights of its own.
std::string embedded(bool mixed, const std::string& prefix) {
    return fmt::format(fmt::runtime(mixed ? "torch.einsum(\"bdi,dci->bdc\", [inputs, self.{}embed_w])"
                                          : "torch.linear(inputs, self.{}embed_w)"),
                       prefix);
}

std::string body_source(const Shape& shape, const std::string& prefix, bool mixed) {
    std::string before, last;
    for (std::int64_t l = 1; l <= shape.layers; ++l) {
        if (l > 1) before += fmt::format(attention_lines, last, shape.heads) + fmt::format(feed_forward_lines, last);
        last = fmt::format("{}layer{}", prefix, l);
    }
    const std::string feed_forward = fmt::format(feed_forward_lines, last);
    return fmt::format(body, fmt::arg("p", prefix), fmt::arg("embedded", embedded(mixed, prefix)),
                       fmt::arg("last", last), fmt::arg("width", shape.width), fmt::arg("heads", shape.heads),
                       fmt::arg("layers_before", before), fmt::arg("last_feed_forward", feed_forward),
                       fmt::arg("all_layers", before + fmt::format(attention_lines, last, shape.heads) + feed_forward));
}

void add_body(marginalia::NetworkBuilder& network, const Shape& shape, const TwoHeads& heads, const std::string& prefix,
              at::Generator& generator) {
    const std::int64_t width = shape.width, hidden = shape.feed_forward;
    const auto add = [&](const std::string& name, const at::Tensor& value) { network.parameter(prefix + name, value); };
    const std::vector<std::int64_t> each =
        heads.mixed() ? std::vector{heads.domain.sites, width, heads.inputs()} : std::vector{width, heads.inputs()};
    add("embed_w", at::empty(each).normal_(0, spread, generator));
    add("places", at::empty({heads.domain.sites, width}).normal_(0, spread, generator));
    for (std::int64_t l = 1; l <= shape.layers; ++l) {
        const std::string layer = fmt::format("layer{}", l);
        add(layer + "_qkv", marginalia::uniform_weights({3 * width, width}, width, generator));
        add(layer + "_out", at::zeros({width, width}));
        add(layer + "_w1", marginalia::uniform_weights({hidden, width}, width, generator));
        add(layer + "_b1", at::zeros({hidden}));
        add(layer + "_w2", at::zeros({width, hidden}));
        add(layer + "_b2", at::zeros({width}));
    }
}

marginalia::NetworkBuilder build(const Params& params, const Domain& domain, at::Generator& generator) {
    const Shape shape = shape_of(params);
    const TwoHeads heads{domain,
                         shape.width,
                         params.integer("bodies") == 2,
                         params.boolean("known_fraction"),
                         params.text("readout") == "softmax",
                         {},
                         params.integer("components")};
    marginalia::NetworkBuilder network("transformer");
    std::string bodies = fmt::format(parts, fmt::arg("width", shape.width));
    for (const std::string& prefix : heads.prefixes()) {
        add_body(network, shape, heads, prefix, generator);
        bodies += body_source(shape, prefix, heads.mixed());
    }
    define_with_heads(network, heads, bodies);
    return network;
}

}  // namespace

MARGINALIA_NETWORK(build, "transformer", "bidirectional transformer over the sites of any layout", manual, parameters);
