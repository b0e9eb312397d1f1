// text() writes the last site first; parse() was forgotten.
// expect: parse() is the inverse of text() | make parse() the inverse of text()
#include <algorithm>
#include <vector>

#include "faulty_energy.h"

struct Fault final : Spins {
    using Spins::Spins;
    std::string text(State x) const override {
        std::vector<std::uint8_t> back(x.rbegin(), x.rend());
        return state_text(back, 2);
    }
};

MARGINALIA_ENERGY(Fault, "energy-parse-not-inverse", "text() without its parse()", "", no_parameters);
