#include <ATen/ATen.h>
#include <fmt/format.h>
#include <marginalia/network.h>

namespace {

using marginalia::Domain;
using marginalia::Parameter;
using marginalia::ParameterType;
using marginalia::Params;

constexpr Parameter parameters[] = {
    {.name = "channels", .type = ParameterType::integer, .fallback = "32", .minimum = 1, .maximum = 4096, .unit = "channels",
     .help = "width of every layer"},
    {.name = "layers", .type = ParameterType::integer, .fallback = "5", .minimum = 1, .maximum = 64, .unit = "layers",
     .help = "3x3 convolutions; all but the first are residual; a site sees 2 * layers + 1 sites across"},
};

constexpr const char* manual = R"(
A residual convolutional network on a two-dimensional lattice, circular where the lattice is periodic. Its weights do
not depend on the size of the lattice, so weights trained on a small one are used on a large one.

    h_1 = conv3x3(onehot(x_S))
    h_l = h_(l-1) + conv3x3(silu(h_(l-1)))
    log p_θ(x_S) = sum_i u·silu(h_L)_i - sum_i u·silu(h_L(all □))_i - |S| log K
    logits of p_φ(x_d | x_S) = V silu(h_L)_d + c

One body serves both heads. The marginal of the empty set is 0 by construction; both heads begin at zero. A conditional
of one site is computed from the patch of 2 * layers + 1 sites around it where that is less work than the whole lattice.

References: K. He et al., Identity mappings in deep residual networks, ECCV 2016 (arXiv 1603.05027), the order of activation and
convolution.
)";

at::Tensor uniform(at::IntArrayRef shape, double inputs, at::Generator& generator) {
    const double bound = 1 / std::sqrt(inputs);
    return at::empty(shape).uniform_(-bound, bound, generator);
}

// The residual layers as TorchScript source: on the whole lattice, and on a patch that loses a ring of sites a layer.
std::string whole_layers(std::int64_t layers) {
    std::string source;
    for (std::int64_t l = 2; l <= layers; ++l)
        source += fmt::format("        h = h + torch.conv2d(self.pad(torch.silu(h)), self.w{0}, self.b{0})\n", l);
    return source;
}

std::string patch_layers(std::int64_t layers) {
    std::string source;
    for (std::int64_t l = 2; l <= layers; ++l)
        source += fmt::format(
            "        h = h[:, :, 1:-1, 1:-1] + torch.conv2d(torch.silu(h), self.w{0}, self.b{0})\n", l);
    return source;
}

constexpr const char* methods = R"(
    def one_hot(self, x: Tensor) -> Tensor:
        # (B, H, W) symbols -> (B, K+1, H, W), channels last in memory.
        return torch.one_hot(x, {symbols}).to(self.w1.dtype).permute(0, 3, 1, 2)

    def pad(self, h: Tensor) -> Tensor:
        return {pad}

    def body(self, x: Tensor) -> Tensor:
        # (B, H, W) symbols -> (B, channels, H, W)
        h = torch.conv2d(self.pad(self.one_hot(x)), self.w1, self.b1)
{whole}
        return torch.silu(h)

    def patch_body(self, x: Tensor) -> Tensor:
        # (B, P, P) symbols around a site -> (B, channels) at the site
        h = torch.conv2d(self.one_hot(x), self.w1, self.b1)
{patch}
        return torch.silu(h).flatten(1)

    def lattice(self, x: Tensor) -> Tensor:
        return x.view(-1, self.rows, self.columns)

    def marginals(self, h: Tensor, x: Tensor) -> Tensor:
        score = torch.mv(h.sum([2, 3]).to(self.u.dtype), self.u)
        known = (x < {categories}).sum(1).to(score.dtype)
        blank = torch.full([1, {blank_rows}, {blank_columns}], {categories}, dtype=x.dtype, device=x.device)
        empty = torch.mv(self.body(blank).mean([2, 3]).to(self.u.dtype), self.u) * (self.rows * self.columns)
        return score - empty - {log_categories} * known

    def logits(self, h: Tensor) -> Tensor:
        # (..., channels) -> (..., K)
        return torch.linear(h, self.v, self.c)

    def log_marginal(self, x: Tensor) -> Tensor:
        return self.marginals(self.body(self.lattice(x)), x)

    def conditional_logits(self, x: Tensor) -> Tensor:
        return self.logits(self.body(self.lattice(x)).flatten(2).transpose(1, 2))

    def at_site(self, h: Tensor, site: Tensor) -> Tensor:
        return h.flatten(2).gather(2, site.view(-1, 1, 1).expand(-1, h.size(1), 1)).squeeze(2)

    def conditional_at(self, x: Tensor, site: Tensor) -> Tensor:
        if {patches}:
            reach = torch.arange(-{layers}, {layers} + 1, device=x.device)
            row = (torch.div(site, self.columns, rounding_mode="floor").unsqueeze(1) + reach) % self.rows
            column = (site.unsqueeze(1) + reach) % self.columns
            around = (row.unsqueeze(2) * self.columns + column.unsqueeze(1)).flatten(1)
            return self.logits(self.patch_body(x.gather(1, around).view(-1, {across}, {across})))
        return self.logits(self.at_site(self.body(self.lattice(x)), site))

    def joint(self, x: Tensor, site: Tensor) -> Tuple[Tensor, Tensor]:
        h = self.body(self.lattice(x))
        return self.marginals(h, x), self.logits(self.at_site(h[:site.size(0)], site))
)";

// Site evaluations of one conditional from a patch, layer by layer.
std::int64_t patch_work(std::int64_t layers) {
    std::int64_t work = 0;
    for (std::int64_t l = 0; l < layers; ++l) work += (2 * l + 1) * (2 * l + 1);
    return work;
}

marginalia::NetworkBuilder build(const Params& params, const Domain& domain, at::Generator& generator) {
    if (domain.layout.shape.size() != 2)
        throw marginalia::Error("network 'lattice-conv' needs variables on a two-dimensional lattice; use 'mlp' for others");
    const std::int64_t channels = params.integer("channels"), layers = params.integer("layers");
    const std::int64_t categories = domain.categories, symbols = categories + 1;
    const std::int64_t rows = domain.layout.shape[0], columns = domain.layout.shape[1];
    const bool periodic = domain.layout.periodic;
    marginalia::NetworkBuilder network("lattice_conv");
    const auto add = [&](const std::string& name, const at::Tensor& value) { network.parameter(name, value); };
    for (std::int64_t l = 1; l <= layers; ++l) {
        const std::int64_t inputs = l == 1 ? symbols : channels;
        add(fmt::format("w{}", l),
            uniform({channels, inputs, 3, 3}, 9.0 * static_cast<double>(inputs), generator).contiguous(at::MemoryFormat::ChannelsLast));
        add(fmt::format("b{}", l), uniform({channels}, 9.0 * static_cast<double>(inputs), generator));
    }
    add("u", at::zeros({channels}));
    add("v", at::zeros({categories, channels}));
    add("c", at::zeros({categories}));
    network.constant("rows", rows);
    network.constant("columns", columns);
    // On a torus every site of the empty state looks alike, so that one 1x1 torus stands for all of them.
    const bool patches = periodic && patch_work(layers) < layers * rows * columns;
    network.define(fmt::format(
        methods, fmt::arg("symbols", symbols), fmt::arg("categories", categories), fmt::arg("layers", layers),
        fmt::arg("across", 2 * layers + 1), fmt::arg("patches", patches ? "True" : "False"),
        fmt::arg("log_categories", std::log(static_cast<double>(categories))),
        fmt::arg("pad", periodic ? "torch.pad(h, [1, 1, 1, 1], \"circular\")" : "torch.constant_pad_nd(h, [1, 1, 1, 1], 0.0)"),
        fmt::arg("blank_rows", periodic ? "1" : "self.rows"), fmt::arg("blank_columns", periodic ? "1" : "self.columns"),
        fmt::arg("whole", whole_layers(layers)), fmt::arg("patch", patch_layers(layers))));
    return network;
}

}  // namespace

MARGINALIA_NETWORK(build, "lattice-conv", "residual 3x3 convolutions on a lattice of any size", manual, parameters);
