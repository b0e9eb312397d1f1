#include <ATen/ATen.h>
#include <fmt/format.h>
#include <marginalia/network.h>

#include "../coupling_planes.h"

namespace {

using marginalia::Domain;
using marginalia::Parameter;
using marginalia::ParameterType;
using marginalia::Params;

constexpr Parameter parameters[] = {
    {.name = "channels",
     .type = ParameterType::integer,
     .fallback = "32",
     .minimum = 1,
     .maximum = 4096,
     .unit = "channels",
     .help = "width of every layer"},
    {.name = "layers",
     .type = ParameterType::integer,
     .fallback = "5",
     .minimum = 1,
     .maximum = 64,
     .unit = "layers",
     .help = "3x3 convolutions; all but the first are residual; a site sees 2 * layers + 1 sites across"},
    {.name = "pool",
     .type = ParameterType::boolean,
     .fallback = "false",
     .help = "add to every layer a learned part of its mean over the lattice, for order over the whole of it"},
    {.name = "site_channels",
     .type = ParameterType::integer,
     .fallback = "0",
     .minimum = 0,
     .maximum = 4096,
     .unit = "channels",
     .help =
         "learned inputs of each site's own, for couplings that differ between sites; 0: weights fit any lattice size"},
    {.name = "couplings",
     .type = ParameterType::boolean,
     .fallback = "false",
     .help =
         "give the network the energy's own fields and couplings at every site; weights fit any lattice size and any "
         "couplings",
     .absent = "false"},
};

constexpr double site_spread = 0.3;  // of the sites' own inputs at the start, beside symbols' inputs of 0 and 1

constexpr const char* manual = R"(A residual convolutional network on a two-dimensional lattice, circular where the
lattice is periodic. Its weights do not depend on the size of the lattice, so weights trained on a small one can be used
on a large one (`train.start_from`; experiments/ising-30x30-transfer.toml). With `site_channels` above 0, each site has
learned inputs e_i of its own, and the weights belong to one lattice size. With `couplings` a site's input is what the
energy says there: its field, and the tables of its pairs with the next site of the row and of the column, so that the
weights serve any lattice and any couplings. Energies whose couplings differ from site to site (spin glasses) need one
of the two, since without them all sites of a torus are alike to the network; `couplings` has nothing to learn by heart.

    h_1 = conv3x3(onehot(x_S)), with site channels also of e, with `couplings` also of asinh of fields and tables
    h_l = h_(l-1) + conv3x3(silu(h_(l-1))), with `pool` also + P_l mean over sites of silu(h_(l-1))
    log p_θ(x_S) = sum_i u·silu(h_L)_i - sum_i u·silu(h_L(all □))_i - |S| log K
    logits of p_φ(x_d | x_S) = V silu(h_L)_d + c

`pool` lets every site see the whole lattice, such as its magnetisation near a critical point, which 3x3 layers do not
reach. One body serves both heads. The marginal of the empty set is 0 by construction; both heads begin at zero. The
method `log_marginal_relaxed` gives log p_θ of weights (B, D, K) of the symbols, for gradients in the state.

A pass over the whole lattice costs 18 * layers * channels² operations a site. The conditional of one site is computed
from the patch of 2 * layers + 1 sites around it where that is less work (never with `pool`).

References: K. He et al., Identity mappings in deep residual networks, ECCV 2016 (arXiv 1603.05027), the order of
activation and convolution.)";

at::Tensor uniform(at::IntArrayRef shape, double inputs, at::Generator& generator) {
    const double bound = 1 / std::sqrt(inputs);
    return at::empty(shape).uniform_(-bound, bound, generator);
}

// The residual layers as TorchScript source: all at once, or each with its part of the mean.
std::string residual_layers(std::int64_t layers, bool pool, const char* border) {
    std::string weights, biases, source;
    for (std::int64_t l = 2; l <= layers; ++l) {
        if (pool)
            source += fmt::format(
                "        p = torch.linear(torch.silu(h).mean([2, 3]), self.p{0}).unsqueeze(2).unsqueeze(3)\n"
                "        h = marginalia.residual_convolutions(h, [self.w{0}], [self.b{0}], {1}) + p\n",
                l, border);
        weights += fmt::format("{}self.w{}", l > 2 ? ", " : "", l);
        biases += fmt::format("{}self.b{}", l > 2 ? ", " : "", l);
    }
    if (pool || layers == 1) return source;
    return fmt::format("        h = marginalia.residual_convolutions(h, [{}], [{}], {})\n", weights, biases, border);
}

constexpr const char* methods = R"(
    def layers(self, first: Tensor) -> Tensor:
        h = first{add_places}
{whole}
        return h

    def body(self, x: Tensor) -> Tensor:
        # (B, D) symbols -> (B, channels, H, W)
        lattice = x.view(-1, self.rows, self.columns)
        return self.layers(marginalia.symbol_convolution(lattice, self.w1, self.b1, {border}))

    def no_sites(self, h: Tensor) -> Tensor:
        return torch.empty([0], dtype=4, device=h.device)

    def patch_body(self, x: Tensor, around: Tensor) -> Tensor:
        # (B, P, P) symbols at the sites `around` (B, P, P) of a site -> (B, channels) at the site
        h = marginalia.symbol_convolution(x, self.w1, self.b1, "none"){add_places_around}
{patch}
        return torch.silu(h).flatten(1)

    def scores(self, sums: Tensor) -> Tensor:
        # (B, channels) sums over the sites -> (B). Under autocast `mv` would round to bfloat16.
        x = torch.full([1, {blank_rows}, {blank_columns}], {categories}, device=sums.device)
        h = self.layers(marginalia.symbol_convolution(x, self.w1, self.b1, {border}))
        alike = (self.rows * self.columns) / ({blank_rows} * {blank_columns})
        blank = marginalia.read_out(h, self.no_sites(h))[0] * alike
        return ((sums - blank) * self.u).sum([1])

    def marginals(self, sums: Tensor, x: Tensor) -> Tensor:
        score = self.scores(sums)
        return score - {log_categories} * (x < {categories}).sum(1).to(score.dtype)

    def logits(self, h: Tensor) -> Tensor:
        # (..., channels) -> (..., K)
        return torch.linear(h, self.v, self.c)

    def log_marginal(self, x: Tensor) -> Tensor:
        h = self.body(x)
        return self.marginals(marginalia.read_out(h, self.no_sites(h))[0], x)

    def log_marginal_relaxed(self, p: Tensor) -> Tensor:
        one_hot = torch.constant_pad_nd(p, [0, 1], 0.0).view(-1, self.rows, self.columns, {symbols}).permute(0, 3, 1, 2)
        h = self.layers(torch.conv2d({padded_weights}, self.w1, self.b1))
        sums = marginalia.read_out(h, self.no_sites(h))[0]
        return self.scores(sums) - self.rows * self.columns * {log_categories}

    def conditional_logits(self, x: Tensor) -> Tensor:
        return self.logits(torch.silu(self.body(x)).flatten(2).transpose(1, 2))

    def conditional_at(self, x: Tensor, site: Tensor) -> Tensor:
        if {patches}:
            reach = torch.arange(-{layers}, {layers} + 1, device=x.device)
            row = (torch.div(site, self.columns, rounding_mode="floor").unsqueeze(1) + reach) % self.rows
            column = (site.unsqueeze(1) + reach) % self.columns
            around = row.unsqueeze(2) * self.columns + column.unsqueeze(1)
            patch = x.gather(1, around.flatten(1)).view(-1, {across}, {across})
            return self.logits(self.patch_body(patch, around))
        return self.logits(marginalia.read_out(self.body(x), site)[1])

    def joint(self, x: Tensor, site: Tensor) -> Tuple[Tensor, Tensor]:
        sums, at_sites = marginalia.read_out(self.body(x), site)
        return self.marginals(sums, x), self.logits(at_sites)
)";

// The sites' own inputs go through their part of the first convolution once for all rows.
constexpr const char* place_methods = R"(
    def places(self) -> Tensor:
        return {places}

    def places_around(self, around: Tensor) -> Tensor:
        # The sites (B, P, P) of a patch -> (B, channels, P - 2, P - 2)
        inner = around[:, 1:-1, 1:-1]
        return torch.embedding(self.places()[0].flatten(1).t(), inner).permute(0, 3, 1, 2)
)";

// Site evaluations of one conditional from a patch, layer by layer.
std::int64_t patch_work(std::int64_t layers) {
    std::int64_t work = 0;
    for (std::int64_t l = 0; l < layers; ++l) work += (2 * l + 1) * (2 * l + 1);
    return work;
}

std::string padded(const std::string& images, bool periodic) {
    return periodic ? fmt::format("torch.pad({}, [1, 1, 1, 1], \"circular\")", images)
                    : fmt::format("torch.constant_pad_nd({}, [1, 1, 1, 1], 0.0)", images);
}

// Registers the sites' own inputs, each (inputs, rows, columns). The source of their part of the first convolution; "":
// there are none.
std::string add_places(marginalia::NetworkBuilder& network, const Params& params, const Domain& domain,
                       at::Generator& generator) {
    const std::int64_t channels = params.integer("channels"), site_channels = params.integer("site_channels");
    std::string source;
    const auto convolve = [&](const std::string& name, std::int64_t inputs) {
        network.parameter("w_" + name, uniform({channels, inputs, 3, 3}, 9.0 * static_cast<double>(inputs), generator));
        source += fmt::format("{}torch.conv2d({}, self.w_{})", source.empty() ? "" : " + ",
                              padded("self." + name + ".unsqueeze(0)", domain.layout.periodic), name);
    };
    if (site_channels > 0) {
        const at::IntArrayRef lattice = domain.layout.shape;
        network.parameter("sites",
                          at::empty({site_channels, lattice[0], lattice[1]}).normal_(0, site_spread, generator));
        convolve("sites", site_channels);
    }
    if (params.boolean("couplings")) {
        const at::Tensor planes = marginalia::coupling_planes(domain, "lattice-conv");
        network.buffer("couplings", planes);
        convolve("couplings", planes.size(0));
    }
    return source;
}

marginalia::NetworkBuilder build(const Params& params, const Domain& domain, at::Generator& generator) {
    if (domain.layout.shape.size() != 2)
        throw marginalia::Error(
            "network 'lattice-conv' needs variables on a two-dimensional lattice; use 'mlp' for others");
    const std::int64_t channels = params.integer("channels"), layers = params.integer("layers");
    const std::int64_t categories = domain.categories, symbols = categories + 1;
    const std::int64_t rows = domain.layout.shape[0], columns = domain.layout.shape[1];
    const bool periodic = domain.layout.periodic, pool = params.boolean("pool");
    marginalia::NetworkBuilder network("lattice_conv");
    const auto add = [&](const std::string& name, const at::Tensor& value) { network.parameter(name, value); };
    for (std::int64_t l = 1; l <= layers; ++l) {
        const std::int64_t inputs = l == 1 ? symbols : channels;
        add(fmt::format("w{}", l), uniform({channels, inputs, 3, 3}, 9.0 * static_cast<double>(inputs), generator)
                                       .contiguous(at::MemoryFormat::ChannelsLast));
        add(fmt::format("b{}", l), uniform({channels}, 9.0 * static_cast<double>(inputs), generator));
    }
    for (std::int64_t l = 2; pool && l <= layers; ++l) add(fmt::format("p{}", l), at::zeros({channels, channels}));
    add("u", at::zeros({channels}));
    add("v", at::zeros({categories, channels}));
    add("c", at::zeros({categories}));
    const std::string places = add_places(network, params, domain, generator);
    const bool placed = !places.empty();
    network.constant("rows", rows);
    network.constant("columns", columns);
    // On a torus every site of the empty state looks alike, so that one 1x1 torus stands for all of them, unless sites
    // have inputs of their own.
    const bool alike = periodic && !placed;
    const bool patches = periodic && !pool && patch_work(layers) < layers * rows * columns;
    const char* border = periodic ? "\"circular\"" : "\"zeros\"";
    const std::string source = std::string(placed ? place_methods : "") + methods;
    network.define(fmt::format(
        fmt::runtime(source), fmt::arg("symbols", symbols), fmt::arg("categories", categories),
        fmt::arg("layers", layers), fmt::arg("across", 2 * layers + 1), fmt::arg("patches", patches ? "True" : "False"),
        fmt::arg("log_categories", std::log(static_cast<double>(categories))), fmt::arg("border", border),
        fmt::arg("padded_weights", padded("one_hot", periodic)), fmt::arg("places", places),
        fmt::arg("blank_rows", alike ? "1" : "self.rows"), fmt::arg("blank_columns", alike ? "1" : "self.columns"),
        fmt::arg("add_places", placed ? " + self.places()" : ""),
        fmt::arg("add_places_around", placed ? " + self.places_around(around)" : ""),
        fmt::arg("whole", residual_layers(layers, pool, border)),
        fmt::arg("patch", residual_layers(layers, false, "\"none\""))));
    return network;
}

}  // namespace

MARGINALIA_NETWORK(build, "lattice-conv", "residual 3x3 convolutions on a lattice of any size", manual, parameters);
