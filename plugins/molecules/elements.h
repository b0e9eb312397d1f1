// Facts on the chemical elements, by atomic number.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace marginalia::molecules {

constexpr int elements = 118;

// "H", "He", .. of 1 to 118.
std::string_view element_symbol(int element);

// Its inverse; 0 where no element has this symbol.
int element_of(std::string_view symbol);

// g/mol: the standard atomic weight, for elements without stable isotopes the mass number of a long-lived one; rounded
// as in RDKit's table, so that molecular weights can be compared.
double atomic_weight(int element);

// B C N O P S F Cl Br I: may stand in a SMILES without brackets, with implied hydrogens.
bool in_organic_subset(int element);

// May be written in lower case: B C N O P S, and in brackets Al Si As Se Te.
bool may_be_aromatic(int element);

// Of an element that may be aromatic: its valences in an aromatic system, rising, and its valence electrons; else none.
struct AromaticFacts {
    std::span<const std::uint8_t> valences;
    int electrons = 0;
};
AromaticFacts aromatic_facts(int element);

// The usual valences of an element of the organic subset, rising, up to which hydrogens are implied; else none.
std::span<const std::uint8_t> usual_valences(int element);

}  // namespace marginalia::molecules
