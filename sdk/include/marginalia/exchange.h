// States of which given numbers of sites hold given symbols, such as a fixed magnetisation or sets of a given size, and
// moves among them: for Markov chains in plugins and in the host. Standard library.
#pragma once

#include <array>
#include <string>
#include <vector>

#include <marginalia/energy.h>
#include <marginalia/random.h>

namespace marginalia {

// The symbols in groups, and how many sites of a state hold a symbol of each: each symbol that is counted is a group of
// its own, the others together are the last one, so that the counts add up to the number of sites.
struct Holding {
    std::vector<std::vector<std::int64_t>> symbols;  // of each group
    std::vector<std::int64_t> counts;                // of each group
};

// "1=50", or several such divided by commas: exactly 50 sites hold the symbol 1. Throws Error, beginning with `name`
// and a colon, for what is none, or holds for no state.
Holding holding_of(const std::string& name, const std::string& text, std::int64_t sites, std::int64_t categories);

// Moves on an energy that keep such numbers: exchanges of two sites' symbols (K. Kawasaki, Phys. Rev. 145, 224 (1966);
// here of any two sites, not of neighbours alone), and new symbols at the sites of a group of several. Threads: any
// number may call at once, for a state and a generator each.
class Exchanges {
public:
    // The energy outlives this.
    Exchanges(const Energy& energy, const Holding& holding);

    // One of the states that hold what they must, whatever f is there.
    void draw_any(std::span<std::uint8_t> x, FastRandom& random) const;

    // D moves, each of the same kernel, which fulfils detailed balance on f: a random site exchanges its symbol with
    // another random one, with probability min(1, f(x') / f(x)); half the moves, where a group has several symbols,
    // draw the site's symbol anew from f among those of its group. States of f = 0 walk on until one of f > 0.
    void sweep(std::span<std::uint8_t> x, FastRandom& random) const;

private:
    void exchange(std::span<std::uint8_t> x, std::size_t site, std::size_t other, FastRandom& random) const;
    void redraw(std::span<std::uint8_t> x, std::size_t site, FastRandom& random) const;
    // Of log f, by an exchange; x is as it was afterwards. Site by site, or by two evaluations of log f.
    double gain(std::span<std::uint8_t> x, std::size_t site, std::size_t other) const;
    double gain_at_once(std::span<std::uint8_t> x, std::size_t site, std::size_t other) const;

    const Energy& energy_;
    const Holding holding_;
    std::array<std::uint8_t, 256> group_{};  // of each symbol
    bool several_ = false;                   // whether a group has more symbols than one
};

}  // namespace marginalia
