// Declares an observable and does not compute it.
// expect: observables are numbers | observe() must fill in every value
#include "faulty_energy.h"

struct Fault final : Spins {
    using Spins::Spins;
    std::vector<Observable> observables() const override { return {{"magnetisation", ""}}; }
};

MARGINALIA_ENERGY(Fault, "energy-unfilled-observable", "an observable without a value", "", no_parameters);
