// How many bonds an atom may have: the semantic constraints of SELFIES.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "plugins/molecules/molecule.h"

namespace marginalia::molecules {

// A most number of bonds (bond orders summed, implied hydrogens left out) for elements and their ions, and one for all
// that are not listed. A value; reading it is safe from several threads.
class Constraints {
public:
    // Nothing listed: every atom may have `others` bonds, 0 to 1000.
    explicit Constraints(int others);

    // "default", "octet_rule" or "hypervalent": the presets of Lo et al. 2023. Throws Error naming the three.
    static Constraints preset(std::string_view name);

    // Lists an element ("N"), an ion ("N+1", "O-2") or all that is not listed ("?"). Throws Error for another key, and
    // for a number below 0 or above 1000.
    void set(std::string_view key, int bonds);

    // Of an element with a charge.
    int capacity(int element, int charge) const;
    // Of an atom, less the hydrogens in its brackets; may be negative.
    int capacity(const Atom& atom) const {
        return capacity(atom.element, atom.charge) - (atom.hydrogens > 0 ? atom.hydrogens : 0);
    }

    // SELFIES tokens whose atoms are all listed, with every bond order that these constraints let them have, and the
    // branch, ring and index tokens; sorted. Every string of them is a molecule that keeps the constraints.
    std::vector<std::string> robust_alphabet() const;

private:
    struct Ion {
        std::uint8_t element;
        int charge;
        int bonds;
    };

    int others_;
    std::array<std::int16_t, 119> neutral_;  // by atomic number; -1: not listed
    std::vector<Ion> ions_;
};

// The preset "default", which every function here takes where none is given.
const Constraints& default_constraints();

// Throws MoleculeError at the first atom that has more bonds than it may; aromatic bonds must have been kekulized.
void check_valences(const Molecule& molecule, const Constraints& constraints = default_constraints());

}  // namespace marginalia::molecules
