// Nothing can be made with the given parameters, which is to be said once, and of the ends of ranges nothing.
// expect: an energy can be made | file is empty; name a file
#include "faulty_energy.h"

constexpr Parameter parameters[] = {
    {.name = "file", .type = ParameterType::text, .fallback = "\"\"", .help = "couplings"},
    {.name = "length", .type = ParameterType::integer, .fallback = "6", .minimum = 0, .maximum = 6, .help = "spins"},
};

struct Fault final : Spins {
    explicit Fault(const Params& p) : Spins(p) {
        if (p.text("file").empty()) throw Error("file is empty; name a file");
    }
};

MARGINALIA_ENERGY(Fault, "energy-cannot-be-made", "a file that is not there", "", parameters);
