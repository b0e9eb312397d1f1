// Keeps the state that it changes in the object.
// expect: threads do not disturb one another | gave
#include "faulty_energy.h"

struct Fault final : Spins {
    using Spins::Spins;
    void site_log_densities(State x, std::int64_t site, std::span<double> out) const override {
        for (std::size_t d = 0; d < x.size(); ++d) changed[d] = x[d];
        for (std::size_t k = 0; k < 2; ++k) {
            changed[static_cast<std::size_t>(site)] = static_cast<std::uint8_t>(k);
            out[k] = 0;
            for (int again = 0; again < 50; ++again)  // long enough that threads meet
                for (std::size_t d = 0; d < x.size(); ++d) out[k] += 0.01 * changed[d];
        }
    }
    mutable std::array<volatile std::uint8_t, 6> changed{};
};

MARGINALIA_ENERGY(Fault, "energy-site-scratch", "a changed state that threads share", "", no_parameters);
