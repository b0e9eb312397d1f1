// A default that the range excludes.
// expect-code: 2
// expect-error: coupling
#include "faulty_energy.h"

constexpr Parameter parameters[] = {
    {.name = "coupling",
     .type = ParameterType::number,
     .fallback = "2.0",
     .minimum = 0,
     .maximum = 1,
     .help = "weight"},
};

MARGINALIA_ENERGY(Spins, "energy-default-out-of-range", "a default out of its range", "", parameters);
