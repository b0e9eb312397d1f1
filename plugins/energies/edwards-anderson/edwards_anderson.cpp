#include "bonds.h"
#include "factor-graph/frontier_sum.h"
#include "factor-graph/graph_energy.h"
#include "free-fermions/spin_sum.h"

namespace edwards_anderson {
namespace {

using marginalia::ParameterType;

constexpr marginalia::Parameter parameters[] = {
    {.name = "rows",
     .type = ParameterType::integer,
     .fallback = "8",
     .minimum = 1,
     .maximum = 10000,
     .unit = "sites",
     .help = "rows of the lattice"},
    {.name = "columns",
     .type = ParameterType::integer,
     .fallback = "8",
     .minimum = 1,
     .maximum = 10000,
     .unit = "sites",
     .help = "columns of the lattice"},
    factor_graph::layers_parameter,
    factor_graph::lattice_parameter,
    factor_graph::torus_parameter,
    factor_graph::boundary_parameter,
    {.name = "beta",
     .type = ParameterType::number,
     .fallback = "1.0",
     .minimum = 0,
     .maximum = 1000,
     .unit = "nats",
     .help = "inverse temperature, the weight of a bond of strength 1"},
    {.name = "field",
     .type = ParameterType::number,
     .fallback = "0.0",
     .minimum = -1000,
     .maximum = 1000,
     .unit = "nats",
     .help = "weight of a spin; above 0 it likes to be up"},
    {.name = "disorder",
     .type = ParameterType::text,
     .fallback = "\"pm1\"",
     .choices = "pm1|gaussian|ferromagnet",
     .help = "bonds of +1 or -1, of a normal distribution, or all +1"},
    {.name = "disorder_seed",
     .type = ParameterType::integer,
     .fallback = "0",
     .minimum = 0,
     .maximum = 9e15,
     .help = "draws the bonds; part of the energy, apart from a trial's seed"},
};

constexpr const char* manual = R"(log f(x) = beta * sum over edges J_ij s_i s_j + field * sum s_i with spins s = 2x - 1.
`disorder_seed` draws the quenched bonds J_ij: +1 or -1 with equal chances (`pm1`), or normal with mean 0 and variance 1
(`gaussian`). The field is not multiplied by beta. At most 300,000 sites.

Edges join nearest neighbours of the `lattice`, each pair of sites once. Sites are numbered as those of a rectangle or a
box, site = (layer * rows + row) * columns + column, and every site but those of kagome is joined to the next in its
row. Besides, (r, c) is joined to

- square: (r + 1, c), four neighbours in all; cubic: also to its place in the next layer, six
- triangular: (r + 1, c) and (r + 1, c - 1), six neighbours
- honeycomb: (r + 1, c) where r + c is even, three neighbours: a brick wall with two columns to a cell
- kagome: three columns to a cell, the corners A, B and C of a triangle, each joined to the others; B to the next cell's
  A, C to the A of the cell below and to the B before that, four neighbours.

With `boundary = "torus"` opposite sides are neighbours as well, with "cylinder" the first and the last column only, so
that each row is a ring, with "open" none; a second edge between the same sites is left out. A honeycomb that closes
needs even extents. Networks see the rectangle and whether it is a torus: one that treats all sites alike
(`lattice-conv` without `site_channels`) cannot tell the sites of a cell apart.

The bonds are part of the energy: a trial's seed leaves them alone, and a sweep over `disorder_seed` averages over
disorder. The same seed gives the same bonds on every platform; another lattice or boundary gives others. Without
disorder (`ferromagnet`) infinite lattices order at beta 0.4407 (square), 0.2747 (triangular), 0.6585 (honeycomb), 0.4666
(kagome) and 0.2217 (cubic).

Observables: `energy_per_site` (-sum J s s / D), `magnetisation` and `satisfied_bonds` (the share of bonds with J s s >
0). As text a state is rows of + (up), - (down) and □ (unknown), with / between rows and // between layers. The partial
density of a partial state is the sum of the terms whose sites are all known; each unknown site is summed out among its
known neighbours alone.

Where variable elimination fits (squares: 11x11 on a torus, 20x20 or 16x100 open; cubes: 3x3x3 on a torus, 5x5x5 open),
log Z, the entropy, log-marginals of partial states and independent samples are exact. Beyond that, log Z and the
entropy are:

- without field, on two-dimensional lattices: open ones and cylinders of up to 256x256 (sites * width^2 at most 5e9, the
  width being the columns or, where they are fewer and the lattice is open, the rows), tori of squares and honeycombs of
  up to 128x128 (2^28, the smaller extent). A line of spins is swept over the lattice as a Gaussian state of free
  fermions. It is swept from either end, and where the two sums differ by more than 1e-8 of log Z, at very low
  temperature, they are not offered; a torus is a sum of four terms, of which too little is left of a large ferromagnet
  below its transition and of some glasses at beta 3. Open lattices and cylinders of squares and honeycombs offer
  independent samples too, row by row, where samples * sites * width^2 is at most 2^36 (2,000 of 64x64): each is checked
  to have been drawn with a log-probability within 0.001 of log f - log Z;
- with field, on other tori and in three dimensions, by the transfer matrix, site by site, where a table of 2^slots
  numbers takes at most 2^26 (512 MiB, 1 GiB for the entropy) and sites * 2^slots at most 2^36: slots is the width, and
  twice that on a torus (12x12, 13x13). So that no entry leaves a double's range, slots * (2 beta * sum of a site's |J|
  + 2 |field|) is at most 600.

References: S. F. Edwards, P. W. Anderson, Theory of spin glasses, J. Phys. F 5, 965 (1975). K. Binder, A. P. Young,
Spin glasses: experimental facts, theoretical concepts, and open questions, Rev. Mod. Phys. 58, 801 (1986). R. Dechter,
Bucket elimination: a unifying framework for reasoning, Artif. Intell. 113, 41 (1999). T. D. Schultz, D. C. Mattis, E.
H. Lieb, Two-dimensional Ising model as a soluble problem of many fermions, Rev. Mod. Phys. 36, 856 (1964). F. Merz, J.
T. Chalker, Two-dimensional random-bond Ising model, free fermions, and the network model, Phys. Rev. B 65, 054425
(2002).)";

factor_graph::Model model_of(std::int64_t sites, const std::vector<Bond>& bonds, double beta, double field) {
    factor_graph::Model model;
    model.cardinalities.assign(sites, 2);
    for (const Bond& bond : bonds) {
        const double equal = beta * bond.strength;
        model.factors.emplace_back(std::vector{bond.a, bond.b}, std::vector{equal, -equal, -equal, equal});
    }
    const auto single = std::make_shared<const std::vector<double>>(std::vector{-field, field});
    for (std::uint32_t site = 0; field != 0 && site < sites; ++site)
        model.factors.emplace_back(std::vector{site}, single);
    return model;
}

std::unique_ptr<const factor_graph::WholeSum> sum_without_field(const factor_graph::Grid& grid,
                                                                const std::vector<Bond>& bonds, double beta) {
    std::vector<free_fermions::Bond> weights;
    for (const Bond& bond : bonds) weights.push_back({bond.a, bond.b, beta * bond.strength});
    return free_fermions::spin_sum(static_cast<std::size_t>(grid.layers * grid.rows),
                                   static_cast<std::size_t>(grid.columns), weights);
}

// With s_a s_b = 2 [s_a = s_b] - 1 and s = 1 - 2 [s = -1].
std::unique_ptr<const factor_graph::FrontierSum> frontier_sum_of(const factor_graph::Grid& grid,
                                                                 const std::vector<Bond>& bonds, double beta,
                                                                 double field) {
    const auto sites = static_cast<std::size_t>(grid.sites());
    factor_graph::EqualityModel model{2, sites, {}, -2 * field, field * static_cast<double>(sites)};
    for (const Bond& bond : bonds) {
        model.edges.push_back({bond.a, bond.b, 2 * beta * bond.strength});
        model.constant -= beta * bond.strength;
    }
    return factor_graph::FrontierSum::if_fits(std::move(model), static_cast<std::size_t>(grid.columns));
}

std::unique_ptr<const factor_graph::WholeSum> whole_sum_of(const factor_graph::Grid& grid,
                                                           const std::vector<Bond>& bonds, double beta, double field) {
    if (field == 0)
        if (auto sum = sum_without_field(grid, bonds, beta)) return sum;
    return frontier_sum_of(grid, bonds, beta, field);
}

}  // namespace

class EdwardsAnderson final : public factor_graph::GraphEnergy {
public:
    explicit EdwardsAnderson(const marginalia::Params& p)
        : EdwardsAnderson(p, factor_graph::grid_of(p),
                          draw_bonds(factor_graph::grid_of(p), p.text("disorder"), p.integer("disorder_seed"))) {}

    double log_density(marginalia::State x) const override { return beta_ * bond_sum(x) + field_ * spin_sum(x); }

    std::vector<marginalia::Observable> observables() const override {
        return {{"energy_per_site", "J"}, {"magnetisation", ""}, {"satisfied_bonds", ""}};
    }

    void observe(marginalia::State x, std::span<double> values) const override {
        std::size_t satisfied = 0;
        for (const Bond& bond : bonds_) satisfied += (x[bond.a] == x[bond.b]) == (bond.strength > 0);
        const auto sites = static_cast<double>(x.size());
        values[0] = -bond_sum(x) / sites;
        values[1] = spin_sum(x) / sites;
        values[2] = bonds_.empty() ? 1 : static_cast<double>(satisfied) / static_cast<double>(bonds_.size());
    }

    marginalia::Layout layout() const override { return grid_.layout(); }

    // Rows of + (up), - (down) and □ (unknown), divided by '/', layers by '//'.
    std::string text(marginalia::State x) const override {
        return grid_.text(x, [](std::uint8_t symbol) { return symbol == 0 ? "-" : symbol == 1 ? "+" : "□"; });
    }

    void parse(std::string_view line, std::span<std::uint8_t> out) const override {
        static const std::string spins[] = {"-", "+"};
        marginalia::parse_state(line, 2, spins, out, layout());
    }

private:
    EdwardsAnderson(const marginalia::Params& p, const factor_graph::Grid& grid, std::vector<Bond> bonds)
        : GraphEnergy(model_of(grid.sites(), bonds, p.number("beta"), p.number("field")),
                      [&] { return whole_sum_of(grid, bonds, p.number("beta"), p.number("field")); }),
          grid_(grid), bonds_(std::move(bonds)), beta_(p.number("beta")), field_(p.number("field")) {}

    double bond_sum(marginalia::State x) const {
        constexpr double sign[] = {1, -1};
        double sum = 0;
        for (const Bond& bond : bonds_) sum += bond.strength * sign[x[bond.a] ^ x[bond.b]];
        return sum;
    }

    static double spin_sum(marginalia::State x) {
        std::int64_t up = 0;
        for (const std::uint8_t symbol : x) up += symbol;
        return static_cast<double>(2 * up - static_cast<std::int64_t>(x.size()));
    }

    const factor_graph::Grid grid_;
    const std::vector<Bond> bonds_;
    const double beta_, field_;
};

}  // namespace edwards_anderson

MARGINALIA_ENERGY(edwards_anderson::EdwardsAnderson, "edwards-anderson",
                  "Edwards-Anderson spin glass in two or three dimensions", edwards_anderson::manual,
                  edwards_anderson::parameters);
