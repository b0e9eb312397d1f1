// The energy 'maxcut': log f(x) = beta * cut(x). A state puts each vertex of a graph on side 0 or 1; the cut is the
// weight of the edges between the sides. The larger beta, the more of p*(x) lies on the largest cuts.
#include <marginalia/energy.h>
#include <marginalia/text_reader.h>

namespace {

using marginalia::ParameterType;

constexpr marginalia::Parameter parameters[] = {
    {.name = "graph", .type = ParameterType::path, .help = "graph in Gset format"},
    {.name = "beta",
     .type = ParameterType::number,
     .fallback = "1.0",
     .minimum = -100,
     .maximum = 100,
     .unit = "nats",
     .help = "weight of a cut edge of weight 1"},
};

constexpr const char* manual = R"(Maximum cut, log f(x) = beta * cut(x). The graph is a text file in Gset format: the
number of vertices and of edges, then for each edge its two vertices, counted from 1, and its weight.)";

struct Edge {
    std::size_t first, second;
    double weight;
};

struct Graph {
    std::int64_t vertices;
    std::vector<Edge> edges;
};

// What does not fit is refused as "FILE:LINE:COLUMN: sentence".
Graph read_graph(const std::string& path) {
    marginalia::TextReader reader(path);
    Graph graph{reader.integer("the number of vertices", 1, 1000000), {}};
    const auto vertex = [&] { return static_cast<std::size_t>(reader.integer("a vertex", 1, graph.vertices) - 1); };
    for (auto left = reader.integer("the number of edges", 0, 100000000); left > 0; --left) {
        const std::size_t first = vertex(), second = vertex();
        if (first == second) reader.fail("this edge joins a vertex to itself; leave it out");
        graph.edges.push_back({first, second, reader.number("a weight")});
    }
    reader.end();
    return graph;
}

class MaxCut final : public marginalia::Energy {
public:
    explicit MaxCut(const marginalia::Params& p) : MaxCut(read_graph(p.text("graph")), p.number("beta")) {}

    double log_density(marginalia::State x) const override { return beta_ * cut(x); }

    std::vector<marginalia::Observable> observables() const override { return {{"cut", ""}}; }
    void observe(marginalia::State x, std::span<double> values) const override { values[0] = cut(x); }

private:
    MaxCut(Graph graph, double beta)
        : marginalia::Energy(graph.vertices, 2), edges_(std::move(graph.edges)), beta_(beta) {}

    double cut(marginalia::State x) const {
        double weight = 0;
        for (const Edge& edge : edges_) weight += x[edge.first] != x[edge.second] ? edge.weight : 0;
        return weight;
    }

    const std::vector<Edge> edges_;
    const double beta_;
};

}  // namespace

MARGINALIA_ENERGY(MaxCut, "maxcut", "maximum cut of a graph read from a file", manual, parameters);
