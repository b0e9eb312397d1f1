// A parse() that believes the line's length.
// expect: parse() refuses what is no state | writes outside its output
#include "faulty_energy.h"

struct Fault final : Spins {
    using Spins::Spins;
    void parse(std::string_view line, std::span<std::uint8_t> out) const override {
        std::uint8_t* at = out.data();
        for (std::size_t i = 0; i < line.size() && i < 14; ++i)
            if (line[i] == '0' || line[i] == '1') *at++ = static_cast<std::uint8_t>(line[i] - '0');
        parse_state(line, 2, {}, out);
    }
};

MARGINALIA_ENERGY(Fault, "energy-parse-writes-outside", "parse() that overruns its output", "", no_parameters);
