#include "edge_list.h"
#include "factor-graph/graph_energy.h"

namespace qubo {
namespace {

using marginalia::ParameterType;

constexpr marginalia::Parameter parameters[] = {
    {.name = "file",
     .type = ParameterType::path,
     .help = "the edges, in the format of the Gset and the Biq Mac library"},
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

The observable `cut` or `objective` is the number that tables in the literature list. As text a state is one digit a
vertex, □ if unknown. The partial density of a partial state counts the edges whose two vertices are known; each unknown
vertex is summed out among its known neighbours alone.

Where variable elimination fits (trees, grids of width 20, tori of width 8 to 11, such as the Gset's G11; not dense
graphs or random ones of more than some tens of vertices), log Z, the entropy, log-marginals of partial states and
independent samples are exact; other graphs offer none of them. The optimum is at least the best exact sample and at
most log Z / beta, and a large beta brings the two together.

References: C. Helmberg, F. Rendl, A spectral bundle method for semidefinite programming, SIAM J. Optim. 10, 673 (2000),
the Gset. U. Benlic, J.-K. Hao, Breakout local search for the max-cut problem, Eng. Appl. Artif. Intell. 26, 1162
(2013), best cuts. F. Rendl, G. Rinaldi, A. Wiegele, Solving max-cut to optimality by intersecting semidefinite and
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

}  // namespace

class Qubo final : public factor_graph::GraphEnergy {
public:
    explicit Qubo(const marginalia::Params& p)
        : Qubo(p.text("problem") == "maxcut",
               p.text("problem") == "maxcut" || p.text("sense") == "maximise" ? p.number("beta") : -p.number("beta"),
               read_edge_list(p.text("file"), p.text("problem") != "maxcut")) {}

    double log_density(marginalia::State x) const override { return scale_ * objective(x); }

    std::vector<marginalia::Observable> observables() const override { return {{cut_ ? "cut" : "objective", ""}}; }

    void observe(marginalia::State x, std::span<double> values) const override { values[0] = objective(x); }

private:
    Qubo(bool cut, double scale, EdgeList list)
        : GraphEnergy(model_of(list, cut, scale)), cut_(cut), scale_(scale), edges_(std::move(list.edges)) {}

    double objective(marginalia::State x) const {
        double sum = 0;
        if (cut_)
            for (const Edge& edge : edges_) sum += edge.weight * (x[edge.a] ^ x[edge.b]);
        else
            for (const Edge& edge : edges_) sum += edge.weight * ((x[edge.a] & x[edge.b]) << (edge.a != edge.b));
        return sum;
    }

    const bool cut_;
    const double scale_;
    const std::vector<Edge> edges_;
};

}  // namespace qubo

MARGINALIA_ENERGY(qubo::Qubo, "qubo", "MaxCut or a quadratic binary program, from a file", qubo::manual,
                  qubo::parameters);
