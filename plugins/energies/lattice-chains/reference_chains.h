// Nearly independent states of a lattice energy from Markov chains, with what shows that they have mixed.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <marginalia/states.h>

namespace lattice_chains {

// One Markov chain that leaves the energy's distribution as it is. Not for several threads.
class Chain {
public:
    virtual ~Chain() = default;
    virtual void sweep() = 0;  // every site once, on average
    virtual marginalia::State state() const = 0;
};

// A quantity by which mixing is judged.
struct Watched {
    std::string name;
    std::function<double(marginalia::State)> value;
};

struct Chains {
    std::string kind;  // "heat-bath", for the report
    // The chain of a number from 0: of each four the first starts in one ordered state, the second in another, the
    // others at random.
    std::function<std::unique_ptr<Chain>(int number)> start;
    std::vector<Watched> watched;
};

struct ChainSamples {
    std::vector<std::uint8_t> rows;   // (count, sites) symbols
    double r_hat = 0;                 // the largest of what is watched; 1 when all chains agree
    double autocorrelation_time = 0;  // the largest, in sweeps
    std::string how;                  // one line saying all this
};

// `count` states from eight chains. The first part, 1,000 sweeps after a burn-in of 1,000, measures R-hat and the
// integrated autocorrelation time tau; then every chain burns in for another 20 tau and gives a state every max(10, 5
// tau) sweeps. A. Gelman, D. B. Rubin, Stat. Sci. 7, 457 (1992); A. Sokal, Monte Carlo methods in statistical mechanics
// (1997).
ChainSamples chain_samples(const Chains& chains, std::size_t count);

}  // namespace lattice_chains
