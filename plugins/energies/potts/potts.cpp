#include <algorithm>

#include "factor-graph/frontier_sum.h"
#include "factor-graph/graph_energy.h"
#include "factor-graph/grid.h"
#include "lattice-chains/clusters.h"

namespace potts {
namespace {

using marginalia::ParameterType;

constexpr marginalia::Parameter parameters[] = {
    {.name = "states",
     .type = ParameterType::integer,
     .fallback = "3",
     .minimum = 2,
     .maximum = 255,
     .help = "values of a site, q"},
    {.name = "rows",
     .type = ParameterType::integer,
     .fallback = "6",
     .minimum = 1,
     .maximum = 10000,
     .unit = "sites",
     .help = "rows of the lattice"},
    {.name = "columns",
     .type = ParameterType::integer,
     .fallback = "6",
     .minimum = 1,
     .maximum = 10000,
     .unit = "sites",
     .help = "columns of the lattice"},
    factor_graph::later(factor_graph::layers_parameter),
    factor_graph::lattice_parameter,
    factor_graph::torus_parameter,
    factor_graph::boundary_parameter,
    {.name = "coupling",
     .type = ParameterType::number,
     .fallback = "0.5",
     .minimum = -1000,
     .maximum = 1000,
     .unit = "nats",
     .help = "weight of a pair of equal neighbours; above 0 they like to be equal"},
    {.name = "field",
     .type = ParameterType::number,
     .fallback = "0.0",
     .minimum = -1000,
     .maximum = 1000,
     .unit = "nats",
     .help = "weight of a site in state 0"},
};

constexpr const char* manual = R"(log f(x) = coupling * sum over edges [x_i = x_j] + field * sum_i [x_i = 0] with x_i in
0..q-1. Edges join nearest neighbours, each pair of sites once; the lattices by name, the boundaries and the numbers of
the sites are those of `edwards-anderson`. At most 300,000 sites. The infinite square lattice orders at coupling log(1 +
sqrt q) (1.0051 for q = 3), by a first-order transition for q > 4; the triangular one where v = e^coupling - 1 has v^3 +
3 v^2 = q (0.6309 for q = 3), the honeycomb where v^3 - 3 q v = q^2 (1.4842). With q = 2 it is the Ising model at half
the coupling: log Z is larger by coupling / 2 for each edge and by field / 2 for each site, and the field of `ising` is
-field / 2.

Observables: `energy_per_site` (-log f / D, nats), `order_parameter` ((q m - 1) / (q - 1), m being the share of the
commonest state) and `equal_neighbours` (a share of the edges). As text a state is rows of digits with / between them,
or with more than ten states numbers with commas; □ is unknown. The partial density of a partial state is the sum of the
terms whose sites are all known; each unknown site is summed out among its known neighbours alone.

Where variable elimination fits (squares, q = 3: 6x6 on a torus, 12x12 or 11x30 open; q = 4: 5x5 and 10x10), log Z, the
entropy, log-marginals of partial states and independent samples are exact. Beyond that log Z and the entropy are exact
where the transfer matrix, site by site, fits: a table of q^slots numbers of at most 2^26 (512 MiB, 1 GiB for the
entropy), sites * q^slots at most 2^36, and slots * (|coupling| * neighbours + |field|) at most 600, so that no entry
leaves a double's range. The slots are the smaller extent of an open lattice, the columns of a cylinder or twice its
rows, and twice the smaller extent of a torus, with one more where triangles lie on a ring: q = 3 goes to 16 sites
across open lattices and cylinders and to 8x8 on a torus, q = 4 to 13 and 6x6. Larger lattices with a coupling of 0 or
more offer samples from eight cluster chains of Swendsen and Wang, reported as those of `ising` are; between phases that
are both stable, as at the transition above q = 4, they are slow too.

References: R. B. Potts, Some generalized order-disorder transformations, Proc. Camb. Philos. Soc. 48, 106 (1952). F. Y.
Wu, The Potts model, Rev. Mod. Phys. 54, 235 (1982). R. H. Swendsen, J.-S. Wang, Nonuniversal critical dynamics in Monte
Carlo simulations, Phys. Rev. Lett. 58, 86 (1987).)";

factor_graph::Model model_of(const factor_graph::Grid& grid, std::size_t states, double coupling, double field) {
    factor_graph::Model model;
    model.cardinalities.assign(grid.sites(), static_cast<std::uint32_t>(states));
    model.unknown = static_cast<std::uint8_t>(states);
    std::vector<double> equal(states * states, 0.0), zero(states, 0.0);
    for (std::size_t state = 0; state < states; ++state) equal[state * states + state] = coupling;
    zero[0] = field;
    const auto pair = std::make_shared<const std::vector<double>>(std::move(equal));
    const auto single = std::make_shared<const std::vector<double>>(std::move(zero));
    for (const auto& [a, b] : grid.edges()) model.factors.emplace_back(std::vector{a, b}, pair);
    for (std::uint32_t site = 0; field != 0 && site < grid.sites(); ++site)
        model.factors.emplace_back(std::vector{site}, single);
    return model;
}

std::unique_ptr<const factor_graph::FrontierSum> frontier_sum_of(const factor_graph::Grid& grid, std::size_t states,
                                                                 double coupling, double field) {
    factor_graph::EqualityModel model{states, static_cast<std::size_t>(grid.sites()), {}, field};
    for (const auto& [a, b] : grid.edges()) model.edges.push_back({a, b, coupling});
    return factor_graph::FrontierSum::if_fits(std::move(model), static_cast<std::size_t>(grid.columns));
}

}  // namespace

class Potts final : public factor_graph::GraphEnergy {
public:
    explicit Potts(const marginalia::Params& p)
        : Potts(factor_graph::grid_of(p), static_cast<std::size_t>(p.integer("states")), p.number("coupling"),
                p.number("field")) {}

    double log_density(marginalia::State x) const override {
        return coupling_ * equal_pairs(x) + field_ * static_cast<double>(std::count(x.begin(), x.end(), 0));
    }

    std::vector<marginalia::Observable> observables() const override {
        return {{"energy_per_site", "nats"}, {"order_parameter", ""}, {"equal_neighbours", ""}};
    }

    // The order parameter (q m - 1) / (q - 1), m the share of the commonest state: 0 disordered, 1 all equal.
    void observe(marginalia::State x, std::span<double> values) const override {
        std::vector<std::int64_t> seen(categories(), 0);
        for (const std::uint8_t symbol : x) ++seen[symbol];
        const auto sites = static_cast<double>(x.size()), q = static_cast<double>(categories());
        const auto commonest = static_cast<double>(*std::max_element(seen.begin(), seen.end()));
        values[0] = -log_density(x) / sites;
        values[1] = (q * commonest / sites - 1) / (q - 1);
        values[2] = edges_.empty() ? 0 : equal_pairs(x) / static_cast<double>(edges_.size());
    }

    std::optional<marginalia::ReferenceSamples> reference_samples(std::size_t count,
                                                                  std::uint64_t seed) const override {
        if (auto exact = GraphEnergy::reference_samples(count, seed)) return exact;
        if (coupling_ < 0) return std::nullopt;
        auto chains = lattice_chains::cluster_samples(*form(), static_cast<std::size_t>(sites()),
                                                      static_cast<std::size_t>(categories()), count, seed);
        return marginalia::ReferenceSamples{std::move(chains.rows), false, std::move(chains.how)};
    }

    marginalia::Layout layout() const override { return grid_.layout(); }

    // Up to ten states rows of digits divided by '/', otherwise numbers divided by commas.
    std::string text(marginalia::State x) const override {
        if (categories() > 10) return marginalia::state_text(x, categories());
        return grid_.text(x,
                          [this](std::uint8_t symbol) { return symbol < categories() ? std::to_string(symbol) : "□"; });
    }

    void parse(std::string_view line, std::span<std::uint8_t> out) const override {
        marginalia::parse_state(line, categories(), {}, out, layout());
    }

private:
    Potts(const factor_graph::Grid& grid, std::size_t states, double coupling, double field)
        : GraphEnergy(model_of(grid, states, coupling, field),
                      [&] { return frontier_sum_of(grid, states, coupling, field); }),
          grid_(grid), edges_(grid.edges()), coupling_(coupling), field_(field) {}

    double equal_pairs(marginalia::State x) const {
        std::int64_t equal = 0;
        for (const auto& [a, b] : edges_) equal += x[a] == x[b];
        return static_cast<double>(equal);
    }

    const factor_graph::Grid grid_;
    const std::vector<std::pair<std::uint32_t, std::uint32_t>> edges_;
    const double coupling_, field_;
};

}  // namespace potts

MARGINALIA_ENERGY(potts::Potts, "potts", "Potts model of q states on a lattice", potts::manual, potts::parameters);
