#include <memory>
#include <mutex>

#include <marginalia/energy.h>

#include "free-fermions/spin_sum.h"
#include "heat_bath.h"
#include "lattice.h"
#include "torus_sum.h"
#include "transfer_matrix.h"

namespace ising {
namespace {

constexpr marginalia::Parameter parameters[] = {
    {.name = "rows",
     .type = marginalia::ParameterType::integer,
     .fallback = "10",
     .minimum = 1,
     .maximum = 10000,
     .unit = "sites",
     .help = "rows of the lattice"},
    {.name = "columns",
     .type = marginalia::ParameterType::integer,
     .fallback = "10",
     .minimum = 1,
     .maximum = 10000,
     .unit = "sites",
     .help = "columns of the lattice"},
    {.name = "coupling",
     .type = marginalia::ParameterType::number,
     .fallback = "0.2",
     .minimum = -5,
     .maximum = 5,
     .unit = "nats",
     .help = "weight of a pair of neighbours; above 0 they like to be equal"},
    {.name = "field",
     .type = marginalia::ParameterType::number,
     .fallback = "0.2",
     .minimum = -5,
     .maximum = 5,
     .unit = "nats",
     .help = "weight of a spin; above 0 it likes to be up"},
    factor_graph::torus_parameter,
    factor_graph::boundary_parameter,
};

constexpr const char* manual = R"(log f(x) = coupling * sum over edges s_i s_j + field * sum s_i with spins s = 2x - 1.
Edges join nearest neighbours of the lattice, each pair of sites once. With `boundary = "torus"` opposite sides are
neighbours as well, with "cylinder" the first and the last column only, so that each row is a ring, with "open" none (an
extent of 2 has no second edge between the same sites, an extent of 1 none). Site = row * columns + column. In physics,
coupling = J / kT and field = h / kT; without a field the infinite lattice orders at coupling log(1 + sqrt 2) / 2 =
0.4407.

Observables: `magnetisation` (mean spin), `energy_per_site` (-log f / D, nats) and `neighbour_correlation` (mean s_i s_j
over the edges). As text a state is rows of + (up), - (down) and □ (unknown), with / between rows. The partial density
of a partial state is the sum of the terms whose sites are all known; each unknown site is summed out among its known
neighbours alone.

Where the smaller extent W, or the columns of a cylinder, is at most 16, log Z, the entropy, log-marginals of partial
states and independent samples are exact, by the transfer matrix between lines of W sites. A line with u unknown sites
costs u 2^u operations; a torus costs a sum over the states of a line besides, so that marginals of states with few
known sites take longest. Samples are not offered where the L 2^W numbers of L lines pass 1 GiB.

On wider lattices without field log Z and the entropy are exact: on a torus by Kaufman's closed form, on open lattices
and cylinders of up to 256x256 by the free fermions of `edwards-anderson`; marginals are not offered. Samples come from
eight chains: two start all up, two all down, four at random. Where the coupling is above 0 their sweeps are cluster
updates of Swendsen and Wang, whose clusters feel the field by their size and which mix at the critical point too; else
heat bath. A pilot of 1,000 sweeps, after 1,000 of burn-in, measures R-hat and the integrated autocorrelation time tau
of magnetisation and energy; the chains then give a state every max(10, 5 tau) sweeps. One line reports all of this, and
says NOT MIXED where R-hat is 1.05 or more.

References: H. A. Kramers, G. H. Wannier, Statistics of the two-dimensional ferromagnet, Phys. Rev. 60, 252 (1941). B.
Kaufman, Crystal statistics II, Phys. Rev. 76, 1232 (1949). R. H. Swendsen, J.-S. Wang, Nonuniversal critical dynamics
in Monte Carlo simulations, Phys. Rev. Lett. 58, 86 (1987). A. Gelman, D. B. Rubin, Inference from iterative simulation
using multiple sequences, Stat. Sci. 7, 457 (1992). A. Sokal, Monte Carlo methods in statistical mechanics, in:
Functional Integration (1997), section 3.)";

std::unique_ptr<const factor_graph::WholeSum> sum_without_field(const Lattice& lattice) {
    if (lattice.field != 0) return nullptr;
    std::vector<free_fermions::Bond> bonds;
    for (const auto& pair : lattice.form().pairs) bonds.push_back({pair.first, pair.second, lattice.coupling});
    return free_fermions::spin_sum(static_cast<std::size_t>(lattice.rows), static_cast<std::size_t>(lattice.columns),
                                   bonds);
}

}  // namespace

class Ising final : public marginalia::Energy {
public:
    explicit Ising(const marginalia::Params& p)
        : Ising(Lattice{p.integer("rows"), p.integer("columns"), p.number("coupling"), p.number("field"),
                        factor_graph::boundary_of(p)}) {}

    double log_density(marginalia::State x) const override { return lattice_.log_density(x); }

    void site_log_densities(marginalia::State x, std::int64_t site, std::span<double> out) const override {
        out[1] = lattice_.local_field(x, site);
        out[0] = -out[1];
    }

    bool differences(marginalia::State x, std::span<double> out) const override {
        for (std::size_t site = 0; site < x.size(); ++site) {
            const double down = -2 * lattice_.local_field(x, static_cast<std::int64_t>(site));
            out[2 * site + x[site]] = 0;
            out[2 * site + 1 - x[site]] = x[site] == 1 ? down : -down;
        }
        return true;
    }

    std::optional<marginalia::EnergyForm> form() const override { return lattice_.form(); }

    std::optional<double> partial_log_density(marginalia::State x) const override {
        return lattice_.partial_log_density(x);
    }

    std::optional<double> log_z() const override {
        if (transfer_) return transfer_->log_z();
        if (torus_) return torus_->log_z;
        return whole_ ? whole_->log_z() : std::nullopt;
    }

    bool log_marginals(marginalia::States partial, std::span<double> out) const override {
        if (!transfer_) return false;
        for (std::size_t row = 0; row < partial.size(); ++row)
            out[row] = std::min(0.0, transfer_->log_sum(partial[row]) - transfer_->log_z());
        return true;
    }

    std::optional<double> entropy() const override {
        if (torus_) return torus_->entropy;
        if (!transfer_) return whole_ ? whole_->entropy() : std::nullopt;
        std::call_once(entropy_known_, [this] { entropy_ = transfer_->entropy(); });
        return entropy_;
    }

    std::optional<marginalia::ReferenceSamples> reference_samples(std::size_t count,
                                                                  std::uint64_t seed) const override {
        if (transfer_)
            if (auto rows = transfer_->samples(count, seed))
                return marginalia::ReferenceSamples{std::move(*rows), true, "independent, by the transfer matrix"};
        lattice_chains::ChainSamples chains = ising::reference_samples(lattice_, count, seed);
        return marginalia::ReferenceSamples{std::move(chains.rows), false, std::move(chains.how)};
    }

    std::vector<marginalia::Observable> observables() const override {
        return {{"magnetisation", ""},
                {"energy_per_site", "nats"},
                {"neighbour_correlation", ""},
                {"absolute_magnetisation", ""}};
    }

    void observe(marginalia::State x, std::span<double> values) const override {
        const auto sites = static_cast<double>(lattice_.sites()), edges = static_cast<double>(lattice_.edges());
        values[0] = static_cast<double>(lattice_.spin_sum(x)) / sites;
        values[1] = -lattice_.log_density(x) / sites;
        values[2] = edges == 0 ? 0 : static_cast<double>(lattice_.edge_sum(x)) / edges;
        values[3] = std::abs(values[0]);
    }

    marginalia::Layout layout() const override {
        return {{lattice_.rows, lattice_.columns}, lattice_.boundary == Boundary::torus};
    }

    // Rows of + (up), - (down) and □ (unknown), divided by '/'.
    std::string text(marginalia::State x) const override {
        std::string line;
        for (std::size_t site = 0; site < x.size(); ++site) {
            if (site > 0 && site % lattice_.columns == 0) line += '/';
            line += x[site] == 0 ? "-" : x[site] == 1 ? "+" : "□";
        }
        return line;
    }

    void parse(std::string_view line, std::span<std::uint8_t> out) const override {
        static const std::string spins[] = {"-", "+"};
        marginalia::parse_state(line, 2, spins, out, layout());
    }

private:
    explicit Ising(const Lattice& lattice) : Energy(lattice.sites(), 2), lattice_(lattice) {
        if (TransferMatrix::fits(lattice)) transfer_ = std::make_unique<TransferMatrix>(lattice);
        else if (!(torus_ = sum_over_torus(lattice))) whole_ = sum_without_field(lattice);
    }

    const Lattice lattice_;
    std::unique_ptr<const TransferMatrix> transfer_;
    // Of what is too wide for the transfer matrix:
    std::optional<TorusSum> torus_;
    std::unique_ptr<const factor_graph::WholeSum> whole_;
    mutable std::once_flag entropy_known_;
    mutable double entropy_ = 0;
};

}  // namespace ising

MARGINALIA_ENERGY(ising::Ising, "ising", "Ising spins on a square lattice: a torus, a cylinder or open", ising::manual,
                  ising::parameters);
