// Exchanges of symbols on an energy, by themselves and as the sampler `metropolis`: against sums over all states.
#include <doctest/doctest.h>
#include <marginalia/energy_states.h>
#include <marginalia/exchange.h>

#include <cmath>

#include "tests/plugins/chain_sampling.h"
#include "tests/plugins/energy_enumeration.h"

namespace train_exchange {

using namespace marginalia;
using chain_sampling::Sampling;
using energy_enumeration::Bytes;
using energy_enumeration::Enumeration;

namespace {

// All states of an energy, of which those without the numbers of a holding are impossible.
Enumeration holding_alone(const Energy& energy, const Holding& holding) {
    return {static_cast<std::size_t>(energy.sites()), static_cast<std::size_t>(energy.categories()), [&](State x) {
                for (std::size_t group = 0; group < holding.counts.size(); ++group) {
                    std::int64_t count = 0;
                    for (const std::int64_t symbol : holding.symbols[group])
                        count += std::count(x.begin(), x.end(), symbol);
                    if (count != holding.counts[group]) return -HUGE_VAL;
                }
                return energy.log_density(x);
            }};
}

Holding holding_of(const Energy& energy, const std::string& text) {
    return marginalia::holding_of("holding", text, energy.sites(), energy.categories());
}

// 8000 states, one after each `sweeps` sweeps of a chain.
void check_states(const Energy& energy, const std::string& text, int sweeps) {
    CAPTURE(text);
    const Holding holding = holding_of(energy, text);
    const Exchanges exchanges(energy, holding);
    FastRandom random(4);
    Bytes x(static_cast<std::size_t>(energy.sites())), rows;
    exchanges.draw_any(x, random);
    for (int draw = -20; draw < 8000; ++draw) {
        for (int sweep = 0; sweep < sweeps; ++sweep) exchanges.sweep(x, random);
        if (draw >= 0) rows.insert(rows.end(), x.begin(), x.end());
    }
    CHECK(std::abs(energy_enumeration::chi_square_sigma(holding_alone(energy, holding), rows)) < 4);
}

// A ring on which no two neighbours may both be 1: most states are impossible.
struct HardCore final : Energy {
    HardCore() : Energy(9, 2) {}
    double log_density(State x) const override {
        double sum = 0;
        for (std::size_t site = 0; site < 9; ++site) {
            if (x[site] && x[(site + 1) % 9]) return -HUGE_VAL;
            sum += x[site] * 0.2 * static_cast<double>(site);
        }
        return sum;
    }
};

const energy_plugin::Words magnet{{"rows", "3"}, {"columns", "4"}, {"coupling", "0.6"}, {"field", "0.1"}};

}  // namespace

TEST_CASE("exchanges draw from the energy, given the numbers of symbols (4 sigma)") {
    check_states(*energy_plugin::make("ising", magnet), "1=6", 20);
    const auto potts = energy_plugin::make("potts", {{"rows", "2"}, {"columns", "3"}, {"states", "3"}});
    check_states(*potts, "0=1,1=2", 8);
    check_states(*potts, "1=2", 8);  // 0 and 2 as they come
    check_states(HardCore(), "1=3", 8);
}

TEST_CASE("any state that holds the numbers is as likely as another") {
    struct Flat final : Energy {
        Flat() : Energy(5, 3) {}
        double log_density(State) const override { return 0; }
    } flat;
    const Holding holding = holding_of(flat, "2=2");
    const Exchanges exchanges(flat, holding);
    FastRandom random(5);
    Bytes rows(5 * 8000);
    for (std::size_t row = 0; row < 8000; ++row) exchanges.draw_any(std::span(rows).subspan(5 * row, 5), random);
    CHECK(std::abs(energy_enumeration::chi_square_sigma(holding_alone(flat, holding), rows)) < 4);
}

TEST_CASE("the sampler metropolis keeps the numbers of `holding`, and draws from the energy given them (4 sigma)") {
    const auto energy = energy_plugin::make("ising", magnet);
    const energy_plugin::Words words{{"holding", "\"1=6\""}, {"sweeps", "20"}, {"burn_in", "100"}};
    Sampling sampling("metropolis", words, *energy, 200), resumed("metropolis", words, *energy, 200, 2);
    Bytes rows;
    for (int draw = 0; draw < 40; ++draw) {
        const Bytes drawn = to_bytes(sampling.draw());
        rows.insert(rows.end(), drawn.begin(), drawn.end());
    }
    CHECK(std::abs(energy_enumeration::chi_square_sigma(holding_alone(*energy, holding_of(*energy, "1=6")), rows)) < 4);
    resumed.sampler->load(sampling.sampler->state());
    CHECK(at::equal(resumed.draw(), sampling.draw()));
}

TEST_CASE("what the sampler cannot hold is one sentence") {
    const auto energy = energy_plugin::make("ising", magnet);
    const auto make = [](const Energy& of, const energy_plugin::Words& words) { Sampling("metropolis", words, of, 2); };
    CHECK_THROWS_WITH_AS(make(*energy, {{"holding", "\"1=13\""}}),
                         "holding: the counts add up to more than the 12 sites of a state", Error);
    const auto chain = energy_plugin::make("ising", {{"rows", "1"}, {"columns", "6"}});
    CHECK_THROWS_AS(make(*chain, {{"holding", "\"1=2\""}, {"shifts", "0.5"}}), Error);
    CHECK_THROWS_WITH_AS(make(HardCore(), {{"holding", "\"1=5\""}}),
                         "no state of f > 0 that holds the numbers of holding was found in 1000 sweeps of exchanges",
                         Error);
}

}  // namespace train_exchange
