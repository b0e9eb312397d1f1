#include <ATen/ATen.h>
#include <fmt/format.h>
#include <marginalia/network.h>

#include "../weights.h"

namespace {

using marginalia::Domain;
using marginalia::Parameter;
using marginalia::ParameterType;
using marginalia::Params;
using marginalia::SiteGrid;

constexpr Parameter parameters[] = {
    {.name = "kind",
     .type = ParameterType::text,
     .fallback = "\"bipartite\"",
     .choices = "bipartite|autoregressive",
     .help = "half of the sites move by the other half, or each by those before it"},
    {.name = "flows",
     .type = ParameterType::integer,
     .fallback = "8",
     .minimum = 0,
     .maximum = 256,
     .unit = "flows",
     .help = "one after another; autoregressive ones go through the sites in turns forward and back"},
    {.name = "base",
     .type = ParameterType::text,
     .fallback = "\"independent\"",
     .choices = "independent|autoregressive",
     .help =
         "what the flows end in: symbols drawn site by site independently, or each given those before it; the latter "
         "with kind autoregressive alone",
     .absent = "\"independent\""},
    {.name = "width",
     .type = ParameterType::integer,
     .fallback = "64",
     .minimum = 1,
     .maximum = 4096,
     .unit = "channels",
     .help = "of the convolutions of each flow"},
    {.name = "blocks",
     .type = ParameterType::integer,
     .fallback = "3",
     .minimum = 0,
     .maximum = 64,
     .unit = "blocks",
     .help = "residual convolutions of a flow, each reaching twice as far as the one before, up to 8 sites"},
    {.name = "temperature",
     .type = ParameterType::number,
     .fallback = "0.1",
     .minimum = 1e-3,
     .maximum = 1e3,
     .help = "of the softmax whose gradient stands for that of the shift"},
};

constexpr const char* manual =
    R"(A discrete flow: symbols are turned, site by site, by shifts that depend on other sites.
What comes out is independent from site to site, and what went in has the probability of what came out, exactly, as
nothing is stretched:

    y_d = (x_d + μ_d(x)) mod K,      μ = argmax of the logits of a convolutional network
    log p(x) = sum over d of log π_d[y_d]         after `flows` of these, with π_d a distribution of each site's own

`bipartite`: a flow moves one half of the sites, in a pattern that changes from flow to flow, by what the other half
holds. Density and draws take one pass of every flow. `autoregressive`: each site moves by those before it, in the order
of the sites, reversed from flow to flow. The density takes one pass, a draw D passes of each flow.

With `base = "autoregressive"` π_d depends on the symbols before d, by a causal convolutional network of the same shape
as a flow's; draws take D passes of it more. Without flows (`flows = 0`) this is an autoregressive model of the sites in
their order, the usual ARM, trained at all sites of a row in one pass.

The argmax has no gradient. As in the paper its one-hot form is given that of softmax(logits / temperature), and the
shifted symbol that of the circular convolution of two one-hot vectors ("straight-through"), so gradients are biased.
There are shifts and no scales (the paper's σ). Layouts of two axes take convolutions of 3 x 3, sequences 1 x 5, others
are read as a line, as are all by the autoregressive kind.

Flows only permute the states of π: over few sites they cannot come near any distribution, which a test shows. The
network has no log p of partial states and no conditionals: use objective `discrete-flow`.

References: D. Tran, K. Vafa, K. Agrawal, L. Dinh, B. Poole, Discrete flows: invertible generative models of discrete
data, NeurIPS 2019 (arXiv 1905.10347).)";

constexpr const char* shift_logits = R"(
    def logits{l}(self, p: Tensor) -> Tensor:
        h = p{turn}.transpose(1, 2).reshape(p.size(0), {categories}, {rows}, {columns})
        h = {first} + self.flow{l}_places
{blocks}
        h = torch.conv2d(torch.silu(h), self.flow{l}_out_w.unsqueeze(2).unsqueeze(3), self.flow{l}_out_b)
        return h.flatten(2).transpose(1, 2){turn}
)";

constexpr const char* flow_forward = R"(
        logits = self.logits{l}(p * (1 - self.moves[{l}]).unsqueeze(1).to(p.dtype))
        shift = logits.argmax(2) * self.moves[{l}]
        turned = self.roll(torch.softmax(logits / {temperature}, 2), x) * self.moves[{l}].unsqueeze(1)
        p = self.roll(p, shift) + (turned - turned.detach())
        x = (x + shift).remainder({categories})
)";

constexpr const char* flow_back = R"(
        held = self.one_hot(x) * (1 - self.moves[{l}]).unsqueeze(1)
        x = (x - self.logits{l}(held).argmax(2) * self.moves[{l}]).remainder({categories})
)";

// Every site reads those before it, and no site of the pattern is left out.
constexpr const char* causal_forward = R"(
        logits = self.logits{l}(p)
        shift = logits.argmax(2)
        turned = self.roll(torch.softmax(logits / {temperature}, 2), x)
        p = self.roll(p, shift) + (turned - turned.detach())
        x = (x + shift).remainder({categories})
)";

constexpr const char* causal_back = R"(
        y = x
        for t in range({sites}):
            site = {site}
            shift = self.logits{l}(self.one_hot(x)).argmax(2)[:, site]
            x = torch.cat([x[:, :site], (y[:, site] - shift).remainder({categories}).unsqueeze(1), x[:, site + 1:]], 1)
)";

constexpr const char* independent_draw = R"(
        below = torch.softmax(self.base, 1).cumsum(1)[:, :-1]
        x = (u.unsqueeze(2) >= below).sum(2)
)";

constexpr const char* causal_draw = R"(
        x = (u.unsqueeze(2) < 0).sum(2)
        for t in range({sites}):
            site = {site}
            below = torch.softmax(self.base[site] + self.logits{l}(self.one_hot(x))[:, site], 1).cumsum(1)[:, :-1]
            drawn = (u[:, site].unsqueeze(1) >= below).sum(1)
            x = torch.cat([x[:, :site], drawn.unsqueeze(1), x[:, site + 1:]], 1)
)";

constexpr const char* methods = R"(
    def one_hot(self, x: Tensor) -> Tensor:
        return torch.one_hot(x, {categories}).to(self.base.dtype)

    # p[(k - shift) mod K] for each symbol k.
    def roll(self, p: Tensor, shift: Tensor) -> Tensor:
        symbols = torch.arange({categories}, device=p.device)
        return p.gather(2, (symbols - shift.unsqueeze(2)).remainder({categories}))

    def log_density(self, x: Tensor) -> Tensor:
        p = self.one_hot(x)
{forward}
        return (p * torch.log_softmax(self.base{given}, -1)).sum([1, 2])

    def sample(self, u: Tensor) -> Tensor:
{draw}
{back}
        return x
)";

// Which half a flow moves: every other site, then every other two, and each half in turn.
at::Tensor moving_sites(const Domain& domain, std::int64_t flow) {
    const SiteGrid grid(domain);
    const at::Tensor place =
        (at::arange(grid.rows).unsqueeze(1) + at::arange(grid.columns)).flatten().div(1 + flow / 2 % 2, "floor");
    return (place + flow).remainder(2);
}

class Flows {
public:
    Flows(const Params& params, const Domain& domain, at::Generator& generator)
        : params_(params), domain_(domain), causal_(params.text("kind") == "autoregressive"),
          causal_base_(params.text("base") == "autoregressive"), grid_(domain, causal_), network_("discrete_flow"),
          layers_(network_, generator) {
        if (causal_base_ && !causal_)
            throw marginalia::Error("base = \"autoregressive\" goes with kind = \"autoregressive\" alone");
    }

    marginalia::NetworkBuilder build() {
        network_.parameter("base", at::zeros({domain_.sites, domain_.categories}));
        std::string logits, forward, back;
        std::vector<at::Tensor> moves;
        const std::int64_t flows = params_.integer("flows");
        for (std::int64_t flow = 0; flow < flows; ++flow) {
            logits += add_flow(flow);
            forward += filled(causal_ ? causal_forward : flow_forward, flow);
            back = filled(causal_ ? causal_back : flow_back, flow) + back;
            moves.push_back(moving_sites(domain_, flow));
        }
        if (!causal_ && flows > 0) network_.buffer("moves", at::stack(moves));
        if (causal_base_) logits += add_flow(flows);
        const std::string given = causal_base_ ? fmt::format(" + self.logits{}(p)", flows) : "";
        const std::string draw = causal_base_ ? filled(causal_draw, flows) : independent_draw;
        network_.define(logits + fmt::format(methods, fmt::arg("categories", domain_.categories),
                                             fmt::arg("forward", forward), fmt::arg("given", given),
                                             fmt::arg("draw", draw), fmt::arg("back", back)));
        return std::move(network_);
    }

private:
    std::string filled(const char* source, std::int64_t flow) const {
        return fmt::format(fmt::runtime(source), fmt::arg("l", flow), fmt::arg("categories", domain_.categories),
                           fmt::arg("sites", domain_.sites), fmt::arg("temperature", params_.number("temperature")),
                           fmt::arg("site", flow % 2 == 0 ? "t" : fmt::format("{} - t", domain_.sites - 1)));
    }

    // Its weights, and its method. Causal: the first convolution sees the line moved on by one site.
    std::string add_flow(std::int64_t flow) {
        const std::int64_t width = params_.integer("width");
        const std::string name = fmt::format("flow{}", flow);
        layers_.convolution(name + "_in", grid_, domain_.categories, width);
        network_.parameter(name + "_places", at::zeros({width, grid_.rows, grid_.columns}));
        std::string blocks;
        for (std::int64_t block = 0; block < params_.integer("blocks"); ++block) {
            const std::string layer = fmt::format("{}_block{}", name, block);
            layers_.convolution(layer, grid_, width, width);
            blocks += fmt::format("        h = h + {}\n",
                                  grid_.convolution("torch.silu(h)", layer, 1, std::int64_t{1} << block % 4, causal_));
        }
        layers_.linear(name + "_out", width, domain_.categories, true);
        const std::string input = causal_ ? "torch.constant_pad_nd(h, [1, -1])" : "h";
        return fmt::format(
            shift_logits, fmt::arg("l", flow), fmt::arg("categories", domain_.categories), fmt::arg("rows", grid_.rows),
            fmt::arg("columns", grid_.columns), fmt::arg("turn", causal_ && flow % 2 == 1 ? ".flip([1])" : ""),
            fmt::arg("first", grid_.convolution(input, name + "_in", 1, 1, causal_)), fmt::arg("blocks", blocks));
    }

    const Params& params_;
    const Domain& domain_;
    const bool causal_, causal_base_;
    const SiteGrid grid_;
    marginalia::NetworkBuilder network_;
    marginalia::Layers layers_;
};

marginalia::NetworkBuilder build(const Params& params, const Domain& domain, at::Generator& generator) {
    return Flows(params, domain, generator).build();
}

}  // namespace

MARGINALIA_NETWORK(build, "discrete-flow", "symbols shifted by what other sites hold, with an exact density", manual,
                   parameters);
