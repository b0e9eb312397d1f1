// Strings at random: every string of tokens is a molecule, and no text does harm.
#include <doctest/doctest.h>

#include <random>
#include <set>

#include "plugins/molecules/properties.h"
#include "tests/plugins/selfies_testing.h"

namespace selfies_fuzz {

using namespace selfies_testing;

namespace {

using Random = std::mt19937;

const std::vector<std::string> moses_tokens = {
    "[#Branch1]", "[#Branch2]", "[#C]", "[#N]", "[=Branch1]", "[=Branch2]", "[=C]",    "[=N]", "[=O]",
    "[=Ring1]",   "[=Ring2]",   "[=S]", "[Br]", "[Branch1]",  "[Branch2]",  "[C]",     "[Cl]", "[F]",
    "[H]",        "[NH1]",      "[N]",  "[O]",  "[P]",        "[Ring1]",    "[Ring2]", "[S]",  "[nop]"};

const std::string& any_of(const std::vector<std::string>& words, Random& random) {
    return words[random() % words.size()];
}

std::string random_tokens(const std::vector<std::string>& words, std::size_t count, Random& random) {
    std::string text;
    for (std::size_t i = 0; i < count; ++i) text += any_of(words, random);
    return text;
}

// Decoded, written and read again it is the same molecule, and keeps the constraints; returns its SMILES.
std::string check_decoded(const std::string& selfies, const Constraints& constraints) {
    const std::string smiles = decode(selfies, constraints);
    if (smiles.empty()) return smiles;
    const Molecule molecule = parse_smiles(smiles);
    CHECK_MESSAGE(refusal([&] { check_valences(molecule, constraints); }) == "", selfies);
    CHECK_MESSAGE(write_smiles(molecule) == smiles, selfies);
    return smiles;
}

std::string mutated(std::string text, const std::string& letters, Random& random) {
    for (std::size_t change = 1 + random() % 4; change-- > 0 && !text.empty();) {
        const std::size_t at = random() % text.size();
        const char letter = random() % 8 == 0 ? static_cast<char>(random() % 256) : letters[random() % letters.size()];
        switch (random() % 4) {
            case 0: text[at] = letter; break;
            case 1: text.erase(at, 1 + random() % 3); break;
            case 2: text.insert(at, 1, letter); break;
            default: text.insert(at, text.substr(random() % text.size(), random() % 12));
        }
    }
    return text;
}

// Either a refusal that names a place in the text, or a SELFIES that is read back as the same molecule.
bool encode_anything(const std::string& text) {
    std::string selfies;
    try {
        selfies = encode(text);
    } catch (const MoleculeError& error) {
        CHECK(error.position() <= text.size());
        CHECK(std::string(error.what()).starts_with("character " + std::to_string(error.position() + 1) + ": "));
        return false;
    }
    CHECK_MESSAGE(same_molecule(kekulized(text), parse_smiles(decode(selfies))), text);
    // The decoder puts ring bonds before an atom's other bonds; from there on nothing moves.
    const std::string again = encode(decode(selfies));
    CHECK_MESSAGE(encode(decode(again)) == again, text);
    return true;
}

bool decode_anything(const std::string& text) {
    try {
        check_decoded(text, default_constraints());
    } catch (const MoleculeError& error) {
        CHECK(error.position() <= text.size());
        return false;
    }
    return true;
}

const std::vector<std::string> seeds = {
    "CC(=O)Oc1ccccc1C(=O)O",
    "Cn1cnc2c1c(=O)n(C)c(=O)n2C",
    "C[C@H](N)C(=O)O.[Na+].[Cl-]",
    "F/C=C/C1CC%12CC1CC%12",
    "c1cc2ccc3[nH]ccc3c2[n+]([O-])c1",
    "C1CC2(C1)CC(C2)N=[N+]=[N-]",
    "O=S(=O)(N)c1cc2c(s1)C(NCC)CC(C)S2(=O)=O",
    "C1.CC1CN",
    "[13CH3][C@@]12CC[C@]1(Cl)C2[Fe+2:3]",
};

std::string repeated(std::string_view word, std::size_t times) {
    std::string text;
    for (std::size_t i = 0; i < times; ++i) text += word;
    return text;
}

}  // namespace

TEST_CASE("every string of tokens is a molecule") {
    Random random(55);
    std::size_t characters = 0;
    for (int i = 0; i < 10'000; ++i)
        characters +=
            check_decoded(random_tokens(moses_tokens, i % 2 ? 55 : 500, random), default_constraints()).size();
    CHECK(characters > 50'000);
}

TEST_CASE("every string of a robust alphabet is a molecule that keeps the constraints") {
    Random random(56);
    Constraints own(3);
    own.set("C", 4);
    own.set("Fe+2", 12);
    own.set("O-1", 1);
    for (const Constraints& constraints :
         {Constraints::preset("default"), Constraints::preset("octet_rule"), Constraints::preset("hypervalent"), own}) {
        std::vector<std::string> words = constraints.robust_alphabet();
        words.insert(words.end(),
                     {"[nop]", ".", "[C@@H1]", "[C]", "[/C]", "[\\C]", "[-/Ring1]", "[\\-Ring2]", "[#Ring1]"});
        for (int i = 0; i < 1000; ++i) check_decoded(random_tokens(words, 1 + random() % 120, random), constraints);
    }
}

TEST_CASE("the molecules to begin with") {
    for (const std::string& smiles : seeds) CHECK(encode_anything(smiles) == (smiles != "C1.CC1CN"));
}

TEST_CASE("mutated SMILES are refused with a place or encoded faithfully") {
    Random random(57);
    int taken = 0;
    for (int i = 0; i < 20'000; ++i)
        taken += encode_anything(mutated(any_of(seeds, random), "CNOcnos()[]=#/\\@+-.%123HF:", random));
    CHECK(taken > 500);
    CHECK(taken < 15'000);
}

TEST_CASE("mutated SELFIES are refused with a place or decoded to molecules") {
    Random random(58);
    int taken = 0;
    for (int i = 0; i < 20'000; ++i) {
        const std::string text = random() % 2 ? encode(seeds[random() % 4]) : random_tokens(moses_tokens, 20, random);
        taken += decode_anything(mutated(text, "CNO[]=#BranchRing123.", random));
    }
    CHECK(taken > 500);
    CHECK(taken < 15'000);
}

TEST_CASE("random bytes are refused") {
    Random random(59);
    int taken = 0;
    for (int i = 0; i < 20'000; ++i) {
        std::string text(1 + random() % 40, ' ');
        for (char& c : text) c = static_cast<char>(random() % 256);
        taken += encode_anything(text) + decode_anything(text);
    }
    CHECK(taken < 200);
}

TEST_CASE("long and deep texts take neither the stack nor the day") {
    const std::size_t n = 20'000;
    for (const std::string& text :
         {repeated("C(", n) + "C" + repeated(")", n), repeated("c1cc1", n), repeated("C1", n), repeated("[C]", n),
          "C" + repeated("(CC1)1", n), "c" + repeated("(c1cc1)", n), repeated("c1ccc1c1cccc1", n), repeated("(", n),
          repeated("[", n), repeated("+", n), "[C" + repeated("+", 10'000) + "]", repeated("C.", n) + "C"}) {
        encode_anything(text);
        decode_anything(text);
    }
    for (const std::string& text : {repeated("[C][=Branch3][C]", n), repeated("[C][#Branch3][P][P][P]", n),
                                    repeated("[C]", n) + repeated("[Ring3][P][P][P]", 100), repeated("[C].", n),
                                    repeated("[C][Ring1][Branch1]", n)})
        CHECK(decode_anything(text));
    CHECK(decode(repeated("[C]", n)) == repeated("C", n));
}

}  // namespace selfies_fuzz
