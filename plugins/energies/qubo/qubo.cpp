#include <limits>
#include <mutex>

#include "barabasi_albert.h"
#include "best_cut.h"
#include "factor-graph/graph_energy.h"

namespace qubo {
namespace {

using marginalia::ParameterType;

constexpr marginalia::Parameter parameters[] = {
    {.name = "file",
     .type = ParameterType::path,
     .fallback = "\"\"",
     .help = "the edges, in the format of the Gset and the Biq Mac library"},
    {.name = "graph",
     .type = ParameterType::text,
     .fallback = "\"file\"",
     .choices = "file|barabasi-albert",
     .help = "where the edges come from: `file`, or drawn by preferential attachment",
     .absent = "\"file\""},
    {.name = "vertices",
     .type = ParameterType::integer,
     .fallback = "100",
     .minimum = 2,
     .maximum = 1e6,
     .help = "of a graph that is drawn",
     .absent = "100"},
    {.name = "degree",
     .type = ParameterType::integer,
     .fallback = "4",
     .minimum = 1,
     .maximum = 1000,
     .unit = "edges",
     .help = "of a graph that is drawn: edges that each vertex comes with",
     .absent = "4"},
    {.name = "graph_seed",
     .type = ParameterType::integer,
     .fallback = "0",
     .minimum = 0,
     .maximum = 1e9,
     .help = "of a graph that is drawn; the same graph for the same seed",
     .absent = "0"},
    {.name = "best_known",
     .type = ParameterType::number,
     .fallback = "0",
     .minimum = 0,
     .maximum = 1e15,
     .help = "the cut that `cut_ratio` is measured against; 0: the best of a search",
     .absent = "0"},
    {.name = "problem",
     .type = ParameterType::text,
     .fallback = "\"maxcut\"",
     .choices = "maxcut|qubo",
     .help = "the cut of a graph, or x'Qx of a symmetric matrix"},
    {.name = "sense",
     .type = ParameterType::text,
     .fallback = "\"minimise\"",
     .choices = "minimise|maximise",
     .help = "which values of x'Qx are likely; a cut is always maximised"},
    {.name = "beta",
     .type = ParameterType::number,
     .fallback = "1.0",
     .minimum = 0,
     .maximum = 1e6,
     .unit = "nats",
     .help = "inverse temperature, the weight of one unit of the objective"},
};

constexpr const char* manual = R"(log f(x) = beta * cut(x), where cut(x) is the sum of the weights of the edges whose
two vertices have different x (`problem = "maxcut"`), or log f(x) = -beta x'Qx or +beta x'Qx with a symmetric matrix Q,
as `sense` says (`problem = "qubo"`).

The file's first line has the number of vertices and of edges; each other line has two vertices, counted from 1, and a
weight (1 where it is left out). In a QUBO an entry i j q sets both Q_ij and Q_ji, as in the Biq Mac library, so that it
adds 2 q x_i x_j; an entry i i q adds q x_i. Each pair appears at most once, and a vertex is paired with itself only in
a QUBO. At most 1,000,000 vertices. A # begins a comment. What does not fit is refused with line, column and reason.

With `graph = "barabasi-albert"` no file is read: the graph is drawn from `graph_seed`, each vertex after the first
`degree` with `degree` edges of weight 1 to earlier ones, chosen by chances that go as their number of edges. The same
graph comes from the same numbers on every platform. The literature on MaxCut by samplers has `degree = 4`.

The observable `cut` or `objective` is the number that tables in the literature list. `cut_ratio` is the cut over
`best_known`, or where that is 0 over the best cut that a search of less than a second finds when the ratio is first
asked for: all cuts of at most 24 vertices, else a tabu search, which is not proved to reach the optimum. Graphs of more
than 10,000 vertices need `best_known` for it. As text a state is one digit a
vertex, □ if unknown. The partial density of a partial state counts the edges whose two vertices are known; each unknown
vertex is summed out among its known neighbours alone.

Where variable elimination fits (trees, grids of width 20, tori of width 8 to 11, such as the Gset's G11; not dense
graphs or random ones of more than some tens of vertices), log Z, the entropy, log-marginals of partial states and
independent samples are exact; other graphs offer none of them. The optimum is at least the best exact sample and at
most log Z / beta, and a large beta brings the two together.

References: C. Helmberg, F. Rendl, A spectral bundle method for semidefinite programming, SIAM J. Optim. 10, 673 (2000),
the Gset. U. Benlic, J.-K. Hao, Breakout local search for the max-cut problem, Eng. Appl. Artif. Intell. 26, 1162
(2013), best cuts. A.-L. Barabasi, R. Albert, Emergence of scaling in random networks, Science 286, 509 (1999).
F. Glover, Z. Lu, J.-K. Hao, Diversification-driven tabu search for unconstrained binary quadratic problems, 4OR 8, 239
(2010). F. Rendl, G. Rinaldi, A. Wiegele, Solving max-cut to optimality by intersecting semidefinite and
polyhedral relaxations, Math. Program. 121, 307 (2010), the Biq Mac library.)";

// What an edge adds to the objective for x_a, x_b = 00, 01, 10, 11, or on the diagonal for x_a = 0, 1.
std::vector<double> terms(const Edge& edge, bool cut) {
    if (edge.a == edge.b) return {0, edge.weight};
    return cut ? std::vector{0.0, edge.weight, edge.weight, 0.0} : std::vector{0.0, 0.0, 0.0, 2 * edge.weight};
}

factor_graph::Model model_of(const EdgeList& list, bool cut, double scale) {
    factor_graph::Model model;
    model.cardinalities.assign(list.vertices, 2);
    for (const Edge& edge : list.edges) {
        std::vector<double> table = terms(edge, cut);
        for (double& term : table) term *= scale;
        model.factors.emplace_back(edge.a == edge.b ? std::vector{edge.a} : std::vector{edge.a, edge.b},
                                   std::move(table));
    }
    return model;
}

EdgeList edges_of(const marginalia::Params& p) {
    const bool cut = p.text("problem") == "maxcut";
    if (p.text("graph") == "file") {
        if (p.text("file").empty())
            throw marginalia::Error("`file` is not given; name a file of edges, or set graph = \"barabasi-albert\"");
        return read_edge_list(p.text("file"), !cut);
    }
    if (!cut) throw marginalia::Error("a graph that is drawn has a cut; leave problem = \"maxcut\", or give a file");
    return barabasi_albert(p.integer("vertices"), p.integer("degree"),
                           static_cast<std::uint64_t>(p.integer("graph_seed")));
}

double scale_of(const marginalia::Params& p) {
    const bool high = p.text("problem") == "maxcut" || p.text("sense") == "maximise";
    return high ? p.number("beta") : -p.number("beta");
}

}  // namespace

class Qubo final : public factor_graph::GraphEnergy {
public:
    explicit Qubo(const marginalia::Params& p) : Qubo(p, edges_of(p)) {}

    double log_density(marginalia::State x) const override { return scale_ * objective(x); }

    std::vector<marginalia::Observable> observables() const override {
        std::vector<marginalia::Observable> all = {{cut_ ? "cut" : "objective", ""}};
        if (has_ratio()) all.push_back({"cut_ratio", ""});
        return all;
    }

    void observe(marginalia::State x, std::span<double> values) const override {
        values[0] = objective(x);
        if (!has_ratio()) return;
        const double best = best_cut();
        values[1] = best > 0 ? values[0] / best : std::numeric_limits<double>::quiet_NaN();
    }

private:
    Qubo(const marginalia::Params& p, EdgeList list)
        : GraphEnergy(model_of(list, p.text("problem") == "maxcut", scale_of(p))), cut_(p.text("problem") == "maxcut"),
          scale_(scale_of(p)), best_known_(p.number("best_known")), list_(std::move(list)) {}

    double objective(marginalia::State x) const {
        double sum = 0;
        if (cut_)
            for (const Edge& edge : list_.edges) sum += edge.weight * (x[edge.a] ^ x[edge.b]);
        else
            for (const Edge& edge : list_.edges) sum += edge.weight * ((x[edge.a] & x[edge.b]) << (edge.a != edge.b));
        return sum;
    }

    bool has_ratio() const { return cut_ && (best_known_ > 0 || list_.vertices <= most_searched); }

    // Searched for once, and only if it is asked for.
    double best_cut() const {
        if (best_known_ > 0) return best_known_;
        std::call_once(searched_, [this] { found_ = qubo::best_cut(list_); });
        return found_;
    }

    const bool cut_;
    const double scale_, best_known_;
    const EdgeList list_;
    mutable std::once_flag searched_;
    mutable double found_ = 0;
};

}  // namespace qubo

MARGINALIA_ENERGY(qubo::Qubo, "qubo", "MaxCut or a quadratic binary program, from a file or a random graph",
                  qubo::manual, qubo::parameters);
