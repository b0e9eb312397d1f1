#include <ATen/ATen.h>
#include <fmt/format.h>
#include <marginalia/network.h>

#include <algorithm>

#include "einet_methods.h"
#include "region_graph.h"

namespace {

using marginalia::Domain;
using marginalia::Error;
using marginalia::NetworkBuilder;
using marginalia::Parameter;
using marginalia::ParameterType;
using marginalia::Params;

constexpr Parameter parameters[] = {
    {.name = "structure",
     .type = ParameterType::text,
     .fallback = "\"quad-graph\"",
     .choices = "quad-graph|quad-tree|poon-domingos|random-tree",
     .help = "how sets of sites are split: boxes halved along every axis or along the longest, boxes cut at every "
             "line of a grid, or random halves"},
    {.name = "piece",
     .type = ParameterType::integer,
     .fallback = "4",
     .minimum = 1,
     .maximum = 65536,
     .unit = "sites",
     .help = "quad-graph, quad-tree: sites across the smallest boxes; at most half the layout's longest extent"},
    {.name = "delta",
     .type = ParameterType::text,
     .fallback = "\"4\"",
     .help = "poon-domingos: sites between the lines of the grid, or of several, coarsest first, with commas between"},
    {.name = "depth",
     .type = ParameterType::integer,
     .fallback = "5",
     .minimum = 1,
     .maximum = 32,
     .help = "random-tree: how often the sites are halved"},
    {.name = "replicas",
     .type = ParameterType::integer,
     .fallback = "10",
     .minimum = 1,
     .maximum = 1000,
     .help = "random-tree: trees below the root"},
    {.name = "structure_seed",
     .type = ParameterType::integer,
     .fallback = "1",
     .minimum = 0,
     .maximum = 1e15,
     .help = "random-tree: which trees; trials of all seeds have the same"},
    {.name = "sums",
     .type = ParameterType::integer,
     .fallback = "64",
     .minimum = 1,
     .maximum = 1024,
     .help = "sums of a region, and distributions of a leaf"},
    {.name = "layer",
     .type = ParameterType::text,
     .fallback = "\"cp\"",
     .choices = "cp|einsum",
     .help = "products of a partition: of sums of the same number, or of all sums of one part with all of the other"},
    {.name = "noise",
     .type = ParameterType::number,
     .fallback = "0.5",
     .minimum = 1e-3,
     .maximum = 1,
     .help = "share of the weights that is random at the start; the rest passes each sum's number on"},
    {.name = "floor",
     .type = ParameterType::number,
     .fallback = "1e-5",
     .minimum = 1e-9,
     .maximum = 0.5,
     .help = "share of every sum and leaf distribution that stays equal for all its terms"},
};

constexpr const char* manual = R"(A probabilistic circuit, trained as an Einsum network: sums and products over
distributions of single sites, whose marginals are exact by construction. A region is a set of sites with K = `sums`
distributions of them; those of a leaf region are products of categorical distributions of its sites, and

    p_r,k(x_r) = Σ_partitions (a, b) of r Σ_i,j w_r,k,(a,b),i,j p_a,i(x_a) p_b,j(x_b)     Σ w = 1 for each k

    einsum    all K² pairs (i, j): Einsum networks
    cp        pairs (i, i), and a sum over the K distributions of each leaf first: K weights a partition and sum, not K²

A partition splits a region's sites in two. The root has all sites and one sum. A region with several partitions mixes
them in the same sum. Structures:

    quad-graph      boxes of the layout, halved across every axis: grids of `piece` times .., 4, 2, 1, coarsest first
    quad-tree       the same across the longest axis alone: every region has one partition
    poon-domingos   boxes cut at every line of the grid `delta`, across every axis; with several, at those of the first
                    that cuts the box
    random-tree     `replicas` binary trees of random halves, `depth` deep; any layout

The first three take layouts of any number of axes; sequences become binary trees of intervals.

A site that is □ counts 1 in its leaves, so log p(x_S) of any set of sites is one pass up, and log p(all □) = 0. A pass
down gives log p(x_d = k | x_S), normalised, for all unknown sites at once; where a site is known, its logits are those
of one more draw of it, given the whole state. Values are divided by the largest of each region and row, and the
logarithms added in double precision. `sample(u)` and `complete(x, u)` of uniform numbers (B, D) draw independent states
of p and of p(· | x_S) in one pass up and one down. `em(x, rate)` is a step of expectation maximisation (objective
circuit-mle).

Each sum starts as (1 - `noise`) times the product of its own number, in all partitions alike, and `noise` times random
proportions: nearly a mixture of K products of sites. Weights are softmax of what learns, mixed with `floor` of equal
weights, which keeps every row of symbols possible and bounds how far apart the numbers of a region can be, as float32
needs; it costs at most `floor` nats for each sum in use. Learning rates of 0.05 to 0.3 suit them. Precision "bfloat16"
does not: it rounds logarithms of leaf probabilities.

A pass up costs about 2 operations a weight and row, a training step three times that and some 10 K B values a partition
(cp) in memory.

References: R. Peharz et al., Einsum networks, ICML 2020 (arXiv 2004.06231). H. Poon, P. Domingos, Sum-product networks,
UAI 2011. R. Peharz et al., Random sum-product networks, UAI 2019. L. Loconte et al., What is the relationship between
tensor factorizations and circuits, arXiv 2409.07953: quad graphs, cp. A. Darwiche, A differential approach to inference
in Bayesian networks, J. ACM 50, 280 (2003): the pass down.)";

einet::RegionGraph regions_of(const Params& params, const Domain& domain) {
    const std::string structure = params.text("structure");
    if (domain.sites < 2) throw Error("a circuit needs 2 sites or more, not " + std::to_string(domain.sites));
    if (structure == "random-tree")
        return einet::random_trees(domain.sites, params.integer("depth"), params.integer("replicas"),
                                   static_cast<std::uint64_t>(params.integer("structure_seed")));
    std::vector<std::int64_t> shape = domain.layout.shape;
    if (shape.empty()) shape = {domain.sites};
    if (structure == "poon-domingos")
        return einet::box_regions(shape, einet::parse_grids(params.text("delta"), "delta"), false, "delta");
    const std::int64_t longest = *std::max_element(shape.begin(), shape.end());
    std::vector<std::int64_t> grids;
    for (std::int64_t grid = std::min(params.integer("piece"), (longest + 1) / 2); grid < longest; grid *= 2)
        grids.insert(grids.begin(), grid);
    return einet::box_regions(shape, grids, structure == "quad-tree", "piece");
}

// The parameters of all sums, what the floor adds to each, and the source that names them.
class CircuitBuilder {
public:
    CircuitBuilder(const Params& params, const Domain& domain, at::Generator& generator)
        : graph_(regions_of(params, domain)), plan_(einet::plan_of(graph_)), domain_(domain), generator_(generator),
          sums_(params.integer("sums")), cp_(params.text("layer") == "cp"), terms_(cp_ ? sums_ : sums_ * sums_),
          noise_(params.number("noise")), floor_(params.number("floor")) {
        check_size();
    }

    NetworkBuilder build() {
        add_leaves();
        std::vector<std::int64_t> one_each(plan_.leaves.size(), 1);
        if (cp_) add_sums("mix", sums_, 1, one_each);
        for (std::size_t l = 0; l < plan_.levels.size(); ++l) {
            const einet::Level& level = plan_.levels[l];
            add_sums("sum" + std::to_string(l), l + 1 < plan_.levels.size() ? sums_ : 1, level.ways, level.partitions);
            const std::string pick = "pick" + std::to_string(l);
            network_.buffer(pick, at::tensor(level.picks, at::kLong));
            append(picks_, pick);
        }
        network_.buffer("symbols", at::arange(domain_.categories, at::kLong).view({1, domain_.categories, 1}));
        network_.constant("consistent", std::int64_t{1});
        network_.define(source());
        return std::move(network_);
    }

private:
    void check_size() const {
        double weights = cp_ ? static_cast<double>(plan_.leaves.size() * sums_ * sums_) : 0;
        for (const einet::Level& level : plan_.levels)
            weights += static_cast<double>(level.partitions.size() * level.ways) * static_cast<double>(terms_ * sums_);
        if (weights > most_weights)
            throw Error(
                fmt::format("parameter 'sums' is {}, which with this structure and layer makes {:.2g} weights, "
                            "more than {:.2g}; give fewer sums, larger pieces or layer = \"cp\"",
                            sums_, weights, most_weights));
    }

    // Rows of sites of equal length, filled up with the number of a site that is always unknown.
    void add_leaves() {
        std::size_t longest = 0;
        for (const std::size_t leaf : plan_.leaves) longest = std::max(longest, graph_[leaf].sites.size());
        std::vector<std::int64_t> sites;
        for (const std::size_t leaf : plan_.leaves) {
            sites.insert(sites.end(), graph_[leaf].sites.begin(), graph_[leaf].sites.end());
            sites.resize(sites.size() + longest - graph_[leaf].sites.size(), domain_.sites);
        }
        network_.buffer("sites", at::tensor(sites, at::kLong));
        const auto leaves = static_cast<std::int64_t>(plan_.leaves.size());
        add("leaf", random({leaves, sums_, static_cast<std::int64_t>(longest), domain_.categories}),
            at::full({1}, floor_ / static_cast<double>(domain_.categories)));
    }

    // Each sum begins as the product of its own number, in all partitions alike, and noise.
    void add_sums(const std::string& name, std::int64_t outputs, std::int64_t ways,
                  const std::vector<std::int64_t>& partitions) {
        const auto regions = static_cast<std::int64_t>(partitions.size());
        const at::Tensor count = at::tensor(partitions, at::kLong).view({regions, 1, 1, 1});
        const at::Tensor there = (at::arange(ways).view({1, 1, ways, 1}) < count).to(at::kFloat);
        at::Tensor weights = random({regions, outputs, ways, terms_}) * there;
        weights *= noise_ / weights.sum({2, 3}, true);
        if (outputs > 1)
            for (std::int64_t k = 0; k < outputs; ++k)
                weights.select(1, k).select(2, cp_ ? k : k * sums_ + k) +=
                    (1 - noise_) * (there / count).select(1, 0).select(2, 0);
        const at::Tensor floor = floor_ / static_cast<double>(terms_) * there / count;
        const bool full = *std::min_element(partitions.begin(), partitions.end()) == ways;
        add(name, weights.flatten(2),
            full ? at::full({1}, floor_ / static_cast<double>(terms_ * ways))
                 : floor.expand({regions, 1, ways, terms_}).flatten(2).contiguous());
    }

    void add(const std::string& name, const at::Tensor& weights, const at::Tensor& floor) {
        network_.parameter(name, weights.clamp_min(1e-30).log());
        network_.buffer("floor_" + name, floor.to(at::kFloat));
        append(logits_, name);
        append(floors_, "floor_" + name);
    }

    // Proportions that are evenly spread, once divided by their sum.
    at::Tensor random(at::IntArrayRef shape) { return at::empty(shape, at::kFloat).exponential_(1, generator_); }

    static void append(std::string& list, const std::string& name) {
        list += (list.empty() ? "self." : ", self.") + name;
    }

    template <class Value>
    std::string list(const Value& value) const {
        std::string text;
        for (const einet::Level& level : plan_.levels) text += (text.empty() ? "" : ", ") + value(level);
        return "[" + text + "]";
    }

    std::string source() const {
        using std::to_string;
        const std::string methods = std::string(einet::weight_methods) + einet::upward_methods +
                                    einet::downward_methods + einet::sample_methods + einet::em_methods;
        return fmt::format(
            fmt::runtime(methods), fmt::arg("logits", logits_), fmt::arg("floors", floors_), fmt::arg("picks", picks_),
            fmt::arg("kept", 1 - floor_), fmt::arg("categories", domain_.categories), fmt::arg("sites", domain_.sites),
            fmt::arg("leaves", plan_.leaves.size()), fmt::arg("tiny", "1e-35"), fmt::arg("first", cp_ ? 2 : 1),
            fmt::arg("regions", list([](const auto& level) { return to_string(level.partitions.size()); })),
            fmt::arg("ways", list([](const auto& level) { return to_string(level.ways); })),
            fmt::arg("carried", list([](const auto& level) { return to_string(level.carried); })),
            fmt::arg("live", list([](const auto& level) { return to_string(level.live); })),
            fmt::arg("most", list([](const auto& level) { return to_string(level.most_used); })),
            fmt::arg("most_leaves", plan_.most_leaves),
            fmt::arg("plain", list([](const auto& level) { return std::string(level.plain ? "True" : "False"); })),
            fmt::arg("products", cp_ ? einet::cp_products : einet::einsum_products),
            fmt::arg("slopes", cp_ ? einet::cp_slopes : einet::einsum_slopes),
            fmt::arg("sum_of_leaves", cp_ ? einet::sum_of_leaves : ""),
            fmt::arg("slope_of_leaves", cp_ ? einet::slope_of_leaves : ""),
            fmt::arg("draw_sum_of_leaves", cp_ ? einet::draw_sum_of_leaves : ""),
            fmt::arg("left_sum", cp_ ? "term" : fmt::format("torch.floor_divide(term, {})", sums_)),
            fmt::arg("right_sum", cp_ ? "term" : fmt::format("torch.remainder(term, {})", sums_)));
    }

    static constexpr double most_weights = 1 << 30;

    const einet::RegionGraph graph_;
    const einet::Plan plan_;
    const Domain& domain_;
    at::Generator& generator_;
    const std::int64_t sums_;
    const bool cp_;
    const std::int64_t terms_;  // products of a partition
    const double noise_, floor_;
    NetworkBuilder network_{"einet"};
    std::string logits_, floors_, picks_;
};

NetworkBuilder build(const Params& params, const Domain& domain, at::Generator& generator) {
    return CircuitBuilder(params, domain, generator).build();
}

}  // namespace

MARGINALIA_NETWORK(build, "einet", "probabilistic circuit (Einsum network), whose marginals are exactly consistent",
                   manual, parameters);
