// The example plugin of ABI 1 with the headers it was built against, kept as they were: what an author has who did not
// rebuild. A complete energy plugin: Ising spins on a ring.
//   log f(x) = coupling * sum_i s_i s_(i+1),  s = 2x - 1, the last spin being a neighbour of the first.
#include <marginalia/energy.h>

constexpr marginalia::Parameter parameters[] = {
    {.name = "length",
     .type = marginalia::ParameterType::integer,
     .fallback = "16",
     .minimum = 3,
     .maximum = 1e6,
     .unit = "sites",
     .help = "spins on the ring"},
    {.name = "coupling",
     .type = marginalia::ParameterType::number,
     .fallback = "0.5",
     .unit = "nats",
     .help = "weight of a pair of neighbours; above 0 they like to be equal"},
};

struct Ring final : marginalia::Energy {
    explicit Ring(const marginalia::Params& p) : Energy(p.integer("length"), 2), coupling(p.number("coupling")) {}

    double log_density(marginalia::State x) const override {
        double aligned = 0;
        for (std::size_t i = 0; i < x.size(); ++i) aligned += x[i] == x[i + 1 < x.size() ? i + 1 : 0] ? 1 : -1;
        return coupling * aligned;
    }

    marginalia::Layout layout() const override { return {{sites()}, true}; }

    const double coupling;
};

MARGINALIA_ENERGY(Ring, "ring", "Ising spins on a ring", "", parameters);
