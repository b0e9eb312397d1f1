// The declared range allows what the constructor refuses, and its sentence names no key.
// expect: ends of ranges work or are refused by name | which names no parameter; name the key
#include "faulty_energy.h"

constexpr Parameter parameters[] = {
    {.name = "length", .type = ParameterType::integer, .fallback = "6", .minimum = 0, .maximum = 6, .help = "spins"},
};

struct Fault final : Spins {
    explicit Fault(const Params& p) : Spins(p) {
        if (p.integer("length") < 2) throw Error("there are too few spins");
    }
};

MARGINALIA_ENERGY(Fault, "energy-nameless-refusal", "a refusal without a key", "", parameters);
