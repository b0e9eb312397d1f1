// The form for a GPU has a field that log f has not.
// expect: on a device as on the host | on a device and
#include "faulty_energy.h"

struct Fault final : Spins {
    using Spins::Spins;
    std::optional<EnergyForm> form() const override {
        EnergyForm form;
        for (std::int64_t site = 0; site < sites(); ++site)
            form.fields.insert(form.fields.end(), {0, site == 3 ? 0.75 : 0.5});
        return form;
    }
};

MARGINALIA_ENERGY(Fault, "energy-form-differs", "another log f on a GPU", "", no_parameters);
