// The form for a GPU names a site that the energy has not.
// expect: on a device as on the host | a pair of the sites 5 and 6, which must be two of the sites 0 to 5
#include "faulty_energy.h"

struct Fault final : Spins {
    using Spins::Spins;
    std::optional<EnergyForm> form() const override {
        EnergyForm form;
        form.fields = {0, 0.5, 0, 0.5, 0, 0.5, 0, 0.5, 0, 0.5, 0, 0.5};
        form.tables = {{0, 0, 0, 0}};
        for (std::uint32_t site = 0; site < 6; ++site) form.pairs.push_back({site, site + 1, 0});
        return form;
    }
};

MARGINALIA_ENERGY(Fault, "energy-form-beyond", "a pair with a site that is not there", "", no_parameters);
