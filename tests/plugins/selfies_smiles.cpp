// SMILES: read, written, kekulized; quantities of molecules.
#include <doctest/doctest.h>

#include <random>

#include "plugins/molecules/elements.h"
#include "plugins/molecules/matching.h"
#include "plugins/molecules/properties.h"
#include "tests/plugins/selfies_testing.h"

using namespace selfies_testing;

namespace {

std::string rewritten(std::string_view smiles) { return write_smiles(parse_smiles(smiles)); }
std::string kekule_form(std::string_view smiles) { return write_smiles(kekulized(smiles)); }
std::string refused(std::string_view smiles) {
    return refusal([&] { parse_smiles(smiles); });
}

Properties properties(std::string_view smiles) {
    Molecule molecule = parse_smiles(smiles);
    check_molecule(molecule);
    return properties_of(molecule);
}

std::string invalid(std::string_view smiles) {
    return refusal([&] { properties(smiles); });
}

}  // namespace

TEST_CASE("what a SMILES says of its atoms") {
    const Molecule molecule = parse_smiles("C[13C@@H](Cl)[NH3+].[O--].[se]1cccc1[Fe+2:7]");
    REQUIRE(molecule.size() == 11);
    CHECK(molecule.roots() == std::vector<std::int32_t>{0, 4, 5});
    CHECK(molecule.atom(0).plain());
    const Atom& carbon = molecule.atom(1);
    CHECK(carbon.isotope == 13);
    CHECK(carbon.chirality == Chirality::clockwise);
    CHECK(carbon.hydrogens == 1);
    CHECK(carbon.position == 1);
    CHECK(molecule.atom(2).element == 17);
    CHECK(molecule.atom(3).charge == 1);
    CHECK(molecule.atom(3).hydrogens == 3);
    CHECK(molecule.atom(4).charge == -2);
    CHECK(molecule.atom(5).aromatic);
    CHECK(element_symbol(molecule.atom(5).element) == "Se");
    CHECK(molecule.atom(10).charge == 2);
    CHECK(molecule.twice_orders(5) == 6);  // two aromatic bonds
    CHECK(molecule.bond_between(5, 9) != Bond::nothing);
    CHECK(molecule.bond_between(0, 2) == Bond::nothing);
}

TEST_CASE("every element is found by its symbol") {
    for (int element = 1; element <= elements; ++element) CHECK(element_of(element_symbol(element)) == element);
    for (const char* none : {"", "X", "c", "Cx", "CC", "C1", "Abc"}) CHECK(element_of(none) == 0);
}

TEST_CASE("writing keeps the order of atoms and bonds") {
    for (const char* smiles :
         {"C", "CC(C)(C)C", "C=1CCCCC=1", "C12CC1C2", "F/C=C/F", "N[C@@H1](C)C(=O)O", "c1ccccc1-c2ccccc2",
          "[Na+1].[Cl-1]", "C(C1)C1", "[H][H]", "[13CH4]", "C:C", "[OH0]", "C/1CCC\\1", "C1.C1"})
        CHECK(rewritten(smiles) == smiles);
    CHECK(rewritten("C%10CC%10") == "C1CC1");
    CHECK(rewritten("C%(123)CC%(123)") == "C1CC1");
    CHECK(rewritten("C1CC%01") == "C1CC1");
    CHECK(rewritten("[NH4+]") == "[NH4+1]");
    std::string rings, closed;
    for (int i = 1; i <= 101; ++i) rings += "C1CC1";
    const std::string written = rewritten(rings);  // no number is used again
    CHECK(written.starts_with("C1CC1C2CC2"));
    CHECK(written.ends_with("C%99CC%99C%(100)CC%(100)C%(101)CC%(101)"));
    CHECK(rewritten(written) == written);
}

TEST_CASE("aromatic systems get single and double bonds") {
    CHECK(kekule_form("c1ccccc1") == "C1=CC=CC=C1");
    CHECK(kekule_form("c1cc[nH]c1") == "C=1C=C[NH1]C=1");
    CHECK(kekule_form("o1cccc1") == "O1C=CC=C1");
    CHECK(kekule_form("n1ccccc1-c1ccccn1") == "N1=CC=CC=C1C2=CC=CC=N2");
    CHECK(kekule_form("Cn1cnc2c1c(=O)n(C)c(=O)n2C") == "CN1C=NC2=C1C(=O)N(C)C(=O)N2C");
    CHECK(kekule_form("c1ccc2cccc2cc1") == "C1=CC=C2C=CC=C2C=C1");  // azulene: odd rings
    CHECK(kekule_form("[nH+]1ccccc1") == "[NH1+1]1=CC=CC=C1");
    CHECK(kekule_form("CC") == "CC");
    const auto left_over = [](std::string_view smiles) { return refusal([&] { kekulized(smiles); }); };
    CHECK(left_over("n1cccc1") ==
          "character 6: this aromatic system has no pattern of single and double bonds; this atom is left over");
    CHECK(left_over("CC:F") == "character 4: F cannot have an aromatic bond");
    CHECK(left_over("c(c)(c)(c)(c)(c)(c)(c)(c)c") == "character 1: this atom has 9 aromatic bonds; 8 are the most");
    // The search that keeps no odd cycles apart gives an atom two double bonds here.
    const Molecule cage = kekulized("c12c3c4cc(cc(c5c6c7c8cc8c1c1c(c12)c7c(c4)c56)ccc3)cc");
    for (std::int32_t atom = 0; atom < cage.size(); ++atom) {
        int twofold = 0;
        for (const auto& [ends, order] : orders_of(cage))
            twofold += (ends.first == atom || ends.second == atom) && order == static_cast<int>(Order::twofold);
        CHECK(twofold == 1);
    }
}

TEST_CASE("perfect matchings, by trying all of them") {
    using Edges = std::vector<std::vector<std::int32_t>>;
    const auto exists = [](const auto& self, const Edges& edges, unsigned used) -> bool {
        for (std::size_t i = 0; i < edges.size(); ++i) {
            if (used >> i & 1) continue;
            for (const std::int32_t j : edges[i])
                if (!(used >> j & 1) && self(self, edges, used | 1u << i | 1u << j)) return true;
            return false;
        }
        return true;
    };
    std::mt19937 random(7);
    int perfect = 0;
    for (int round = 0; round < 3000; ++round) {
        const std::size_t nodes = 2 + 2 * (random() % 6);
        Edges edges(nodes);
        for (std::size_t edge = 0; edge < nodes + random() % (nodes + 1); ++edge) {
            const auto a = static_cast<std::int32_t>(random() % nodes), b = static_cast<std::int32_t>(random() % nodes);
            auto& of_a = edges[static_cast<std::size_t>(a)];
            if (a == b || std::find(of_a.begin(), of_a.end(), b) != of_a.end()) continue;
            of_a.push_back(b);
            edges[static_cast<std::size_t>(b)].push_back(a);
        }
        Graph graph;
        for (const auto& of_node : edges) {
            graph.neighbours.insert(graph.neighbours.end(), of_node.begin(), of_node.end());
            graph.begins.push_back(static_cast<std::int32_t>(graph.neighbours.size()));
        }
        const bool expected = exists(exists, edges, 0);
        perfect += expected;
        for (const Matching& matching :
             {perfect_matching(graph), edmonds_matching(graph, std::vector<std::int32_t>(nodes, -1))}) {
            REQUIRE((matching.unmatched < 0) == expected);
            for (std::size_t i = 0; expected && i < nodes; ++i) {
                const std::int32_t mate = matching.mates[i];
                REQUIRE(std::find(edges[i].begin(), edges[i].end(), mate) != edges[i].end());
                REQUIRE(matching.mates[static_cast<std::size_t>(mate)] == static_cast<std::int32_t>(i));
            }
        }
    }
    CHECK(perfect > 1000);
    CHECK(perfect < 2000);
}

TEST_CASE("what is not a SMILES is refused with the place") {
    CHECK(refused("") == "character 1: there is no molecule");
    CHECK(refused(".C") == "character 1: before this '.' there is no molecule");
    CHECK(refused("C.") == "character 3: after the '.' there is no molecule");
    CHECK(refused("C..C") == "character 3: before this '.' there is no molecule");
    CHECK(refused("=C") == "character 1: the bond '=' comes from no atom");
    CHECK(refused("CC=") == "character 3: the bond '=' leads to no atom");
    CHECK(refused("C=(C)C") == "character 2: the bond '=' leads to no atom");
    CHECK(refused("CXC") ==
          "character 2: 'X' is not an atom by itself; B C N O P S F Cl Br I and b c n o p s are, others stand in "
          "brackets");
    CHECK(refused("f1cccc1").starts_with("character 1: 'f' is not an atom by itself"));
    CHECK(refused("C*") == "character 2: the wildcard * (any atom) is not supported; write the atom that is meant");
    CHECK(refused("C=*") == "character 3: the wildcard * (any atom) is not supported; write the atom that is meant");
    CHECK(refused("C[*]") == "character 3: the wildcard * (any atom) is not supported; write the atom that is meant");
    CHECK(refused("C[2*H]C").starts_with("character 4: the wildcard *"));
    CHECK(refused("C$C") == "character 2: the fourfold bond $ is not supported; bonds are - = # : / and \\");
    CHECK(refused("C~C").starts_with("character 2: the bond ~ (any bond) is of SMARTS"));
    CHECK(refused("C>>C") == "character 2: reactions (>) are not supported; give one molecule");
    CHECK(refused("C[Co@OH12]") == "character 5: the chirality @OH is not supported; @ and @@ are");
    CHECK(refused("C\u00A0C") == "character 2: U+00A0 (a no-break space) has no meaning in a SMILES");
    CHECK(refused("C\xFF") == "character 2: the byte 0xFF has no meaning in a SMILES");
    CHECK(refused("C\x1B[2J") == "character 2: U+001B (a control character) has no meaning in a SMILES");
    CHECK(refused("Cé") == "character 2: 'é' has no meaning in a SMILES");
    CHECK(refused("C C") == "character 2: ' ' has no meaning in a SMILES");
    CHECK(refused("C(") == "character 2: this '(' is not closed by a ')'");
    CHECK(refused("C(C.C)") == "character 2: this '(' is not closed by a ')'");
    CHECK(refused("CC)C") == "character 3: this ')' closes no branch");
    CHECK(refused("C()C") == "character 3: this branch is empty");
    CHECK(refused("C((C)C)") == "character 3: a branch must follow the atom that it leaves");
    CHECK(refused("(C)C") == "character 1: a branch must follow the atom that it leaves");
    CHECK(refused("1CC1") == "character 1: a ring bond must follow its atom");
    CHECK(refused("C(1CC1)") == "character 3: a ring bond must follow its atom");
    CHECK(refused("C1CC") == "character 2: ring bond 1 is opened here and never closed");
    CHECK(refused("C11") == "character 3: this ring bond leads from an atom to itself");
    CHECK(refused("C1C1") == "character 4: this ring bond joins two atoms that have a bond already");
    CHECK(refused("C12CC12") == "character 7: this ring bond joins two atoms that have a bond already");
    CHECK(refused("C=1CC#1") == "character 7: this ring bond is '#' here and '=' where it opens");
    CHECK(refused("C%1CC") ==
          "character 2: '%' is not followed by a ring bond's number: two digits, or up to five in ( )");
    CHECK(refused("C%(CC").starts_with("character 2: '%' is not followed"));
    CHECK(refused("C[NH2") == "character 2: this '[' is not closed by a ']'");
    CHECK(refused("C[]") == "character 3: in these brackets no element's symbol follows");
    CHECK(refused("[cl]") ==
          "character 2: in these brackets no element's symbol follows; lower case is for `b c n o p s al si as se te`");
    CHECK(refused("[CH10]") ==
          "character 5: '0' cannot stand here in an atom; the order is [isotope, symbol, @ or @@, "
          "hydrogens, charge, :class]");
    CHECK(refused("[C+-]").starts_with("character 4: '-' cannot stand here"));
    CHECK(refused("[C:]") == "character 4: here the number of the atom class is missing");
    CHECK(refused("[1234567890C]") == "character 2: this isotope is too large a number");
    CHECK(MoleculeError(4, "x").position() == 4);
}

TEST_CASE("quantities of known molecules") {
    const Properties water = properties("O"), aspirin = properties("CC(=O)Oc1ccccc1C(=O)O");
    CHECK(water.weight == doctest::Approx(18.015));
    CHECK(water.heavy_atoms == 1);
    CHECK(aspirin.weight == doctest::Approx(180.159));  // C9H8O4
    CHECK(aspirin.heavy_atoms == 13);
    CHECK(aspirin.heteroatoms == 4);
    CHECK(aspirin.rings == 1);
    CHECK(aspirin.rotatable_bonds == 3);
    CHECK(properties("C12C3C4C1C5C2C3C45").rings == 5);  // cubane: 12 bonds, 8 atoms
    CHECK(properties("C1CC1.C1CC1").rings == 2);
    CHECK(properties("C12.CC1CC2").rings == 1);
    CHECK(properties("CC1.CC1").rotatable_bonds == 1);           // butane
    CHECK(properties("c1ccccc1c1ccccc1").rotatable_bonds == 1);  // biphenyl
    CHECK(properties("CC#CC").rotatable_bonds == 0);
    CHECK(properties("[2H]O[2H]").weight == doctest::Approx(4 + 15.999));
    CHECK(properties("[H]C([H])([H])[H]").weight == doctest::Approx(properties("C").weight));
    CHECK(properties("[H]C([H])([H])[H]").heavy_atoms == 1);
    CHECK(properties("CS(=O)(=O)C").weight == doctest::Approx(94.135).epsilon(1e-5));
}

TEST_CASE("what is no molecule") {
    CHECK(invalid("CN(C)(C)C") ==
          "character 2: this atom, N, has bonds of order 4 in all, and the constraints let it have 3");
    CHECK(invalid("[CH5]") ==
          "character 1: this atom, CH5, has bonds of order 0 in all, and the constraints let it have 0");
    CHECK(invalid("Ccc") == "character 2: this atom is written as aromatic and lies in no ring");
    CHECK(invalid("c1cccc1").ends_with("this atom is left over"));
    CHECK(invalid("C[N+](C)(C)C") == "");
}
