#include <ATen/ATen.h>
#include <fmt/format.h>
#include <marginalia/network.h>
#include <marginalia/pair_graph.h>

#include "../two_heads.h"

namespace {

using marginalia::Domain;
using marginalia::PairGraph;
using marginalia::Parameter;
using marginalia::ParameterType;
using marginalia::Params;
using marginalia::TwoHeads;

constexpr Parameter parameters[] = {
    {.name = "layers",
     .type = ParameterType::integer,
     .fallback = "6",
     .minimum = 1,
     .maximum = 256,
     .unit = "layers",
     .help = "rounds of messages between neighbours; a site hears of sites so many pairs away"},
    {.name = "width",
     .type = ParameterType::integer,
     .fallback = "48",
     .minimum = 1,
     .maximum = 8192,
     .unit = "units",
     .help = "numbers that stand for a site"},
    {.name = "aggregation",
     .type = ParameterType::text,
     .fallback = "\"sum\"",
     .choices = "sum|mean",
     .help = "of the neighbours' messages; mean for graphs in which some sites have very many"},
    {.name = "pool",
     .type = ParameterType::boolean,
     .fallback = "false",
     .help = "add to every layer a learned part of the mean over all sites"},
    marginalia::two_heads::bodies,
    marginalia::two_heads::known_fraction,
    marginalia::two_heads::readout,
};

constexpr double spread = 0.3;  // of symbols' vectors at the start

constexpr const char* manual = R"(Messages along the pairs of an energy, on any graph: spin glasses in any dimension,
QUBO and MaxCut, Markov networks of pairs. Sites are given their symbols and the energy's fields, pairs the energy's
tables, so that one set of weights serves every energy of as many symbols, whatever its graph and its couplings
(`train.start_from` brings them from one to another).

    h_d  = E (onehot(x_d), fraction of known sites) + F asinh(field_d) + b      onehot: K+1 symbols, □ being one
    g_ij = G silu(T asinh(table_ij) + t) + c                                    of each pair in both directions
    n    = norm(h)
    h_d  = h_d + W silu(A n_d + a + sum over neighbours j of g_jd * (M n_j))    W begins at zero; * number by number
    log p_θ(x_S) = C^-1/2 sum_d u·(norm(h_d(x_S)) - norm(h_d(all □))) - |S| log K                  readout linear
                 = sum over d in S of ∫ log softmax(V_v norm(h_d(x_S)) + c_v)[x_d] d sin²(π v / 2)    readout softmax
    logits of p_φ(x_d | x_S) = V norm(h_d(x_S)) + c

E, F, T and the heads are the network's, G, c, M, A, a and W each layer's own. With `pool` a layer adds P mean of n over
all sites to a. Fields and tables are those of `pair_graph.h`: pairs of the same sites are added up, and every row and
column of a table has mean 0, the rest being in the fields; the asinh keeps strong couplings near 1. Layer norms have no
scale and shift of their own. On readouts see unet. An energy of another kind (factors of three sites, zeros of f,
hidden units), and rows of a dataset, are refused.

A pass over B rows costs 6 B D layers C² operations and 4 B P layers C for the P pairs, C being the width; gates are
computed once for all rows. With two bodies the parameters of log p_θ have names that begin with theta_, those of p_φ
with phi_. All heads begin at zero, and log p_θ(all □) = 0 by construction.

References: J. Gilmer et al., Neural message passing for quantum chemistry, ICML 2017 (arXiv 1704.01212). K. T. Schütt
et al., SchNet, NeurIPS 2017 (arXiv 1706.08566), messages gated by what is known of the pair.)";

constexpr const char* parts = R"(
    def norm(self, h: Tensor) -> Tensor:
        return torch.layer_norm(h, [{width}], None, None, 1e-5)

    def heard(self, sent: Tensor, gates: Tensor) -> Tensor:
        # (D, B, C), (2 P, C) -> (D, B, C)
        messages = sent.index_select(0, self.graph_from) * gates.unsqueeze(1)
        return torch.zeros_like(sent).index_add(0, self.graph_to, messages){share}
)";

// Inside, sites come before rows of the batch, so that what is moved along an edge lies together.
constexpr const char* body = R"(
    def {p}features(self, inputs: Tensor) -> Tensor:
        fields = torch.linear(self.graph_fields, self.{p}fields_w, self.{p}fields_b)
        edges = torch.silu(torch.linear(self.graph_tables, self.{p}edges_w, self.{p}edges_b))
        h = torch.linear(inputs.transpose(0, 1), self.{p}symbols_w) + fields.unsqueeze(1)
{layers}
        return self.norm(h).transpose(0, 1)

    def {p}features_at(self, inputs: Tensor, site: Tensor) -> Tensor:
        return self.at_site(self.{p}features(inputs), site)
)";

constexpr const char* layer_lines = R"(
        n = self.norm(h)
        gates = torch.linear(edges, self.{0}_gates_w, self.{0}_gates_b)
        a = torch.linear(n, self.{0}_own_w, self.{0}_own_b) + self.heard(torch.linear(n, self.{0}_sent_w), gates){1}
        h = h + torch.linear(torch.silu(a), self.{0}_out_w)
)";

std::string body_source(const Params& params, const std::string& prefix) {
    std::string layers;
    for (std::int64_t l = 1; l <= params.integer("layers"); ++l) {
        const std::string layer = fmt::format("{}layer{}", prefix, l);
        const std::string pool = fmt::format(" + torch.linear(n.mean([0], keepdim=True), self.{}_pool_w)", layer);
        layers += fmt::format(layer_lines, layer, params.boolean("pool") ? pool : "");
    }
    return fmt::format(body, fmt::arg("p", prefix), fmt::arg("layers", layers));
}

void add_body(marginalia::NetworkBuilder& network, const Params& params, const TwoHeads& heads,
              const std::string& prefix, at::Generator& generator) {
    const std::int64_t width = heads.width, categories = heads.domain.categories;
    const auto add = [&](const std::string& name, const at::Tensor& value) { network.parameter(prefix + name, value); };
    const auto add_uniform = [&](const std::string& name, std::int64_t inputs) {
        add(name, marginalia::uniform_weights({width, inputs}, inputs, generator));
    };
    add("symbols_w", at::empty({width, heads.inputs()}).normal_(0, spread, generator));
    add_uniform("fields_w", categories);
    add("fields_b", at::zeros({width}));
    add_uniform("edges_w", categories * categories);
    add("edges_b", at::zeros({width}));
    for (std::int64_t l = 1; l <= params.integer("layers"); ++l) {
        const std::string layer = fmt::format("layer{}", l);
        for (const char* name : {"_gates_w", "_own_w", "_sent_w"}) add_uniform(layer + name, width);
        add(layer + "_gates_b", marginalia::uniform_weights({width}, width, generator));
        add(layer + "_own_b", at::zeros({width}));
        add(layer + "_out_w", at::zeros({width, width}));
        if (params.boolean("pool")) add(layer + "_pool_w", at::zeros({width, width}));
    }
}

// No parameters: weights that are brought from another graph leave them as they are.
void add_graph(marginalia::NetworkBuilder& network, const PairGraph& graph) {
    const at::Tensor to = graph.to(), degree = at::bincount(to, {}, graph.fields.size(0)).clamp_min(1);
    network.buffer("graph_fields", graph.fields.asinh());
    network.buffer("graph_tables", graph.directed_tables().flatten(1).asinh());
    network.buffer("graph_from", graph.from());
    network.buffer("graph_to", to);
    network.buffer("graph_share", (1.0 / degree.to(at::kFloat)).view({-1, 1, 1}));
}

marginalia::NetworkBuilder build(const Params& params, const Domain& domain, at::Generator& generator) {
    const TwoHeads heads{domain, params.integer("width"), params.integer("bodies") == 2,
                         params.boolean("known_fraction"), params.text("readout") == "softmax"};
    marginalia::NetworkBuilder network("graph");
    add_graph(network, marginalia::pair_graph(domain, "network 'graph'"));
    const bool mean = params.text("aggregation") == "mean";
    std::string bodies = fmt::format(parts, fmt::arg("width", heads.width),
                                     fmt::arg("share", mean ? " * self.graph_share.to(sent.dtype)" : ""));
    for (const std::string& prefix : heads.prefixes()) {
        add_body(network, params, heads, prefix, generator);
        bodies += body_source(params, prefix);
    }
    define_with_heads(network, heads, bodies);
    return network;
}

}  // namespace

MARGINALIA_NETWORK(build, "graph", "messages along the pairs of any energy, which is an input", manual, parameters);
