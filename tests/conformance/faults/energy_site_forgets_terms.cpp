// The conditional of a site counts half of its terms.
// expect: conditionals of single sites | count every term that holds the site
#include "faulty_energy.h"

struct Fault final : Spins {
    using Spins::Spins;
    void site_log_densities(State, std::int64_t, std::span<double> out) const override {
        out[0] = 0;
        out[1] = 0.25;
    }
};

MARGINALIA_ENERGY(Fault, "energy-site-forgets-terms", "a conditional that lacks a term", "", no_parameters);
