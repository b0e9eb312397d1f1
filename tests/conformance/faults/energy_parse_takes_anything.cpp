// A parse() that reads what it likes and leaves the rest.
// expect: parse() refuses what is no state | is accepted silently
#include "faulty_energy.h"

struct Fault final : Spins {
    using Spins::Spins;
    std::string text(State x) const override { return state_text(x, 2); }
    void parse(std::string_view line, std::span<std::uint8_t> out) const override {
        std::size_t site = 0;
        for (const char c : line)
            if (c >= '0' && c <= '1' && site < out.size()) out[site++] = static_cast<std::uint8_t>(c - '0');
            else if (c == '\xE2' && site < out.size()) out[site++] = 2;  // the first byte of □
    }
};

MARGINALIA_ENERGY(Fault, "energy-parse-takes-anything", "parse() that refuses nothing", "", no_parameters);
