#include <ATen/ATen.h>
#include <fmt/format.h>
#include <marginalia/network.h>

#include <numeric>

#include "../coupling_planes.h"
#include "../two_heads.h"
#include "unet_design.h"

namespace {

using marginalia::Domain;
using marginalia::Parameter;
using marginalia::ParameterType;
using marginalia::Params;
using marginalia::TwoHeads;
using marginalia::UnetDesign;
using marginalia::UnetLevel;

constexpr Parameter parameters[] = {
    {.name = "preset",
     .type = ParameterType::text,
     .fallback = "\"cpu\"",
     .choices = "cpu|paper",
     .help = "sizes not given below: paper, the published shape; cpu, 1.7 million weights, patches of 2 x 2 sites at "
             "two resolutions"},
    {.name = "channels",
     .type = ParameterType::text,
     .fallback = "\"\"",
     .help = "channels at each resolution, each half the one before, such as \"32,64,128\"; empty: the preset's"},
    {.name = "blocks",
     .type = ParameterType::text,
     .fallback = "\"\"",
     .help =
         "residual blocks at each resolution, twice above the lowest (down and up), such as \"2,2,4\"; or one number"},
    {.name = "attention",
     .type = ParameterType::text,
     .fallback = "\"\"",
     .help = "self-attentions at each resolution, after so many of its blocks, such as \"0,0,2\"; or one number"},
    {.name = "patch",
     .type = ParameterType::integer,
     .fallback = "0",
     .minimum = 0,
     .maximum = 64,
     .unit = "sites",
     .help = "sites across a square that is one place of the first resolution; 0: the preset's"},
    {.name = "heads",
     .type = ParameterType::integer,
     .fallback = "0",
     .minimum = 0,
     .maximum = 1024,
     .unit = "heads",
     .help = "heads of each attention; 0: the preset's"},
    {.name = "group_channels",
     .type = ParameterType::integer,
     .fallback = "0",
     .minimum = 0,
     .maximum = 1024,
     .unit = "channels",
     .help = "channels in a group of the group norms, or the divisor it has in common with all; 0: the preset's"},
    marginalia::two_heads::bodies,
    marginalia::two_heads::known_fraction,
    {.name = "couplings",
     .type = ParameterType::boolean,
     .fallback = "false",
     .help = "give every site the energy's field and couplings there as more inputs",
     .absent = "false"},
    marginalia::two_heads::readout,
};

constexpr const char* manual = R"(A U-Net on a two-dimensional lattice of any size, circular where the lattice is
periodic: residual blocks with group norm and SiLU, self-attention at chosen resolutions, one or more resolutions. The
published network for MNIST is of this kind.

    block      h + conv3x3(silu(norm(conv3x3(silu(norm(h))))))              the last convolution begins at zero
    attention  h + W softmax(q k' / sqrt c) v of norm(h), over all sites of the map      W begins at zero
    body       conv3x3 of the inputs of each patch; blocks at the first resolution; conv3x3 of stride 2; blocks at the
               next; ...; back by conv1x1 and nearest neighbours, added to what was there on the way down; blocks;
               silu(norm(h)); where a patch is more than a site, silu(conv1x1) to features of each of its sites,
               1 / patch of the channels
    log p_θ(x_S) = C^-1/2 sum_d u·(h_d(x_S) - h_d(all □)) - |S| log K                    readout linear
                 = sum over d in S of ∫ log softmax(V_v h_d(x_S) + c_v)[x_d] d sin²(π v / 2)      readout softmax
    logits of p_φ(x_d | x_S) = V h_d(x_S) + c

With the softmax readout log p_θ is a sum of log-probabilities of the known symbols, one for each share v of sites known
before (16 nodes, linear in between), which mam-distill teaches term by term. Stage 2 then starts from the conditionals'
own readout (experiments/table1-mnist.md). The linear readout can be any function of x_S and is the default, for
energies; it takes one row more than asked for, the empty state.

A map of n places across has ceil(n / 2) at the next resolution, so every size works. Where patch * 2^(resolutions - 1)
divides n nothing is wasted, and on a periodic lattice shifts by as much leave the model as it is. The weights do not
depend on the size: what is learnt on one lattice can be used on another.

The inputs of a site are its symbol, one-hot, □ being one, and the fraction of known sites. With `couplings` a site also
sees its field and couplings, as in lattice-conv. Spin glasses need this, as does whatever differs from site to site:
without it all patches of a lattice are alike to the network. The fraction of known sites is a function of x_S, so every
conditional is still one of x_S alone; a body of group norms and averages cannot count well by itself, and how sharp
conditionals should be depends on the count.

A patch of n x n sites enters as one place with the inputs of all its sites, and leaves as n x n. The convolutions then
see wide maps of few places, which processors do faster than narrow maps of many, and a kernel reaches further. Where n
does not divide the lattice, sites of zero inputs are added below and to the right; a periodic lattice must be divided.

Presets: `paper` has 256 channels, 4 blocks with attention between, one resolution, norms of 8 channels and no patches:
5.5 million weights with K = 2. `cpu` has patches of 2 x 2, 64 and 128 channels with 2 and 4 blocks, two attentions at
the lower resolution and norms of 16 channels: 1.71 million. Attentions have 4 heads. Where `channels` are given, sites
are single unless `patch` is given too.

With two bodies the parameters of log p_θ have names that begin with theta_, those of p_φ with phi_, and a joint pass
costs two. All heads begin at zero, and log p_θ(all □) = 0 by construction.

References: J. Ho, A. Jain, P. Abbeel, Denoising diffusion probabilistic models, NeurIPS 2020 (arXiv 2006.11239),
appendix B. Y. Wu, K. He, Group normalization, ECCV 2018 (arXiv 1803.08494). S. Liu, P. J. Ramadge, R. P. Adams,
Generative marginalization models, ICML 2024 (arXiv 2310.12920), appendix.)";

struct Convolution {
    std::int64_t inputs, outputs;
    std::int64_t size = 3, stride = 1;
    bool zero = false, bias = true;
};

constexpr const char* sites_of_places = R"(
    def {body}features(self, inputs: Tensor) -> Tensor:
        return self.{body}places(inputs).flatten(1, 2)

    def {body}features_at(self, inputs: Tensor, site: Tensor) -> Tensor:
        return self.at_site(self.{body}features(inputs), site)
)";

// The weights' rows are ordered by channel, row and column of the patch; features of a site lie together in memory if
// the channel comes last.
constexpr const char* sites_of_patches = R"(
    def {body}patches(self, places: Tensor) -> Tensor:
        # (..., C) -> (..., patch * patch * width)
        w = self.{body}sites_w.flatten(1).view({width}, {patch} * {patch}, -1).transpose(0, 1).flatten(0, 1)
        b = self.{body}sites_b.view({width}, {patch} * {patch}).t().flatten()
        return torch.silu(torch.linear(places, w, b))

    def {body}features(self, inputs: Tensor) -> Tensor:
        h = self.{body}patches(self.{body}places(inputs))
        h = h.view(h.size(0), h.size(1), h.size(2), {patch}, {patch}, {width}).transpose(2, 3)
        h = h.reshape(h.size(0), h.size(1) * {patch}, -1, {width})
        return h[:, :self.rows, :self.columns].flatten(1, 2)

    def {body}features_at(self, inputs: Tensor, site: Tensor) -> Tensor:
        row = site.div(self.columns, rounding_mode="floor")
        column = site % self.columns
        h = self.{body}places(inputs)
        place = row.div({patch}, rounding_mode="floor") * h.size(2) + column.div({patch}, rounding_mode="floor")
        h = self.{body}patches(self.at_site(h.flatten(1, 2), place)).view(-1, {patch} * {patch}, {width})
        return self.at_site(h, row % {patch} * {patch} + column % {patch})
)";

// Writes one body as TorchScript and registers its parameters on the way.
class BodyWriter {
public:
    BodyWriter(marginalia::NetworkBuilder& network, at::Generator& generator, const UnetDesign& design,
               std::string prefix)
        : network_(network), generator_(generator), design_(design), prefix_(std::move(prefix)) {}

    std::string write(std::int64_t inputs) {
        source_ = fmt::format("\n    def {}places(self, inputs: Tensor) -> Tensor:\n", prefix_);
        line("h = inputs.view(-1, self.rows, self.columns, {}).permute(0, 3, 1, 2)", inputs);
        const auto& levels = design_.levels;
        const std::int64_t patch = design_.patch;
        if (patch > 1)
            line(
                "h = torch.pixel_unshuffle(torch.constant_pad_nd(h, [0, ({0} - self.columns % {0}) % {0}, 0, ({0} - "
                "self.rows % {0}) % {0}]), {0})",
                patch);
        line("h = {}", convolution("h", "stem", {inputs * patch * patch, levels.front().channels}));
        for (std::size_t l = 1; l < levels.size(); ++l) {
            blocks(fmt::format("down{}", l), levels[l - 1]);
            line("s{} = h", l);
            line("h = {}",
                 convolution("h", fmt::format("shrink{}", l), {levels[l - 1].channels, levels[l].channels, 3, 2}));
        }
        blocks("bottom", levels.back());
        for (std::size_t l = levels.size() - 1; l > 0; --l) {
            line("h = {}", convolution("h", fmt::format("grow{}", l), {levels[l].channels, levels[l - 1].channels, 1}));
            line("h = s{0} + self.twice(h)[:, :, :s{0}.size(2), :s{0}.size(3)]", l);
            blocks(fmt::format("up{}", l), levels[l - 1]);
        }
        line("return {}.permute(0, 2, 3, 1)", normed(with_silu, "h", "last", levels.front().channels));
        write_sites();
        return source_;
    }

private:
    // From features of places (B, H, W, C) to those of sites.
    void write_sites() {
        const std::int64_t patch = design_.patch, channels = design_.levels.front().channels;
        if (patch > 1) {
            const Convolution sites{.inputs = channels, .outputs = patch * patch * design_.site_width(), .size = 1};
            register_convolution("sites", sites);
        }
        source_ += fmt::format(fmt::runtime(patch > 1 ? sites_of_patches : sites_of_places), fmt::arg("body", prefix_),
                               fmt::arg("patch", patch), fmt::arg("width", design_.site_width()));
    }

    template <class... Values>
    void line(fmt::format_string<Values...> format, Values&&... values) {
        source_ += "        " + fmt::format(format, std::forward<Values>(values)...) + "\n";
    }

    std::string weights(const std::string& name, const at::Tensor& value) {
        network_.parameter(prefix_ + name, value);
        return "self." + prefix_ + name;
    }

    // Weights and bias of a convolution as the source names them.
    std::pair<std::string, std::string> register_convolution(const std::string& name, const Convolution& c) {
        const std::vector<std::int64_t> shape = {c.outputs, c.inputs, c.size, c.size};
        const at::Tensor w =
            c.zero ? at::zeros(shape) : marginalia::uniform_weights(shape, c.inputs * c.size * c.size, generator_);
        const std::string weight = weights(name + "_w", w.contiguous(at::MemoryFormat::ChannelsLast));
        return {weight, c.bias ? weights(name + "_b", at::zeros({c.outputs})) : "None"};
    }

    std::string convolution(const std::string& from, const std::string& name, const Convolution& c) {
        const auto [weight, bias] = register_convolution(name, c);
        if (c.size == 1) return fmt::format("torch.conv2d({}, {}, {})", from, weight, bias);
        if (design_.periodic)
            return fmt::format("torch.conv2d(torch.pad({}, [1, 1, 1, 1], \"circular\"), {}, {}, stride=[{}, {}])", from,
                               weight, bias, c.stride, c.stride);
        return fmt::format("torch.conv2d({}, {}, {}, stride=[{}, {}], padding=[1, 1])", from, weight, bias, c.stride,
                           c.stride);
    }

    static constexpr const char* with_silu = "marginalia.norm_silu";

    // A group norm, torch.group_norm or followed by silu.
    std::string normed(const char* norm, const std::string& from, const std::string& name, std::int64_t channels) {
        const std::string scale = weights(name + "_scale", at::ones({channels}));
        const std::string shift = weights(name + "_shift", at::zeros({channels}));
        return fmt::format("{}({}, {}, {}, {})", norm, from, channels / std::gcd(channels, design_.group_channels),
                           scale, shift);
    }

    void blocks(const std::string& name, const UnetLevel& level) {
        for (std::int64_t i = 1; i <= level.blocks; ++i) {
            block(fmt::format("{}_block{}", name, i), level.channels);
            if (i <= level.attentions) attention(fmt::format("{}_attention{}", name, i), level.channels);
        }
    }

    // The first convolution needs no bias: a norm follows, whose shifts do as much.
    void block(const std::string& name, std::int64_t channels) {
        const Convolution first{.inputs = channels, .outputs = channels, .bias = false};
        const Convolution second{.inputs = channels, .outputs = channels, .zero = true};
        line("a = {}", convolution(normed(with_silu, "h", name + "_norm1", channels), name + "_conv1", first));
        line("h = h + {}", convolution(normed(with_silu, "a", name + "_norm2", channels), name + "_conv2", second));
    }

    void attention(const std::string& name, std::int64_t channels) {
        line("n = {}.permute(0, 2, 3, 1)", normed("torch.group_norm", "h", name + "_norm", channels));
        const std::string qkv =
            weights(name + "_qkv", marginalia::uniform_weights({3 * channels, channels}, channels, generator_));
        const std::string out = weights(name + "_out", at::zeros({channels, channels}));
        line("h = h + self.attend(n.flatten(1, 2), {}, {}).view_as(n).permute(0, 3, 1, 2)", qkv, out);
    }

    marginalia::NetworkBuilder& network_;
    at::Generator& generator_;
    const UnetDesign& design_;
    const std::string prefix_;
    std::string source_;
};

constexpr const char* shared_methods = R"(
    def twice(self, h: Tensor) -> Tensor:
        # (B, C, H, W) -> (B, C, 2 H, 2 W) by nearest neighbours, in the precision of h, unlike upsample_nearest2d.
        n = h.permute(0, 2, 3, 1).unsqueeze(2).unsqueeze(4)
        return n.expand(-1, -1, 2, -1, 2, -1).flatten(1, 2).flatten(2, 3).permute(0, 3, 1, 2)

    def attend(self, sites: Tensor, qkv: Tensor, out: Tensor) -> Tensor:
        # (B, N, C) -> (B, N, C)
        parts = torch.linear(sites, qkv).chunk(3, 2)
        return torch.linear(marginalia.attention(parts[0], parts[1], parts[2], {heads}), out)
)";

marginalia::NetworkBuilder build(const Params& params, const Domain& domain, at::Generator& generator) {
    if (domain.layout.shape.size() != 2)
        throw marginalia::Error(
            "network 'unet' needs variables on a two-dimensional lattice; use 'transformer' or 'mlp' for "
            "others");
    const UnetDesign design = marginalia::unet_design(params, domain.layout);
    TwoHeads shape{domain, design.site_width(), params.integer("bodies") == 2, params.boolean("known_fraction"),
                   params.text("readout") == "softmax"};
    if (params.boolean("couplings"))
        shape.places = marginalia::coupling_planes(domain, "unet").flatten(1).t().contiguous();
    marginalia::NetworkBuilder network("unet");
    network.constant("rows", domain.layout.shape[0]);
    network.constant("columns", domain.layout.shape[1]);
    std::string bodies = fmt::format(shared_methods, fmt::arg("heads", design.heads));
    for (const std::string& prefix : shape.prefixes())
        bodies += BodyWriter(network, generator, design, prefix).write(shape.inputs());
    define_with_heads(network, shape, bodies);
    return network;
}

}  // namespace

MARGINALIA_NETWORK(build, "unet", "U-Net of residual blocks and attention on a lattice of any size", manual,
                   parameters);
