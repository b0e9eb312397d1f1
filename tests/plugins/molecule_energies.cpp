// Energies of molecules: rows of tokens, lines of text, log f, and what evaluation asks for.
#include <GraphMol/SmilesParse/SmilesParse.h>
#include <doctest/doctest.h>

#include <cmath>
#include <random>

#include "molecule-properties/token_rows.h"
#include "molecule-properties/value_cache.h"
#include "plugins/molecules/smiles.h"
#include "tests/plugins/energy_plugin.h"

using energy_plugin::Bytes;
using energy_plugin::make;
using energy_plugin::refusal;
using marginalia::Energy;

namespace {

// The molecule of a full row, by its text, whose tokens all have their place in the row as position.
marginalia::molecules::Molecule placed_molecule(const molecule_properties::TokenRows& rows, const Bytes& row) {
    using namespace marginalia::molecules;
    const std::string text = rows.text(row);
    std::vector<Token> tokens;
    for (const std::string_view word : split(text)) tokens.push_back(read_token(word, tokens.size()));
    return decode_tokens(tokens);
}

Bytes row_of(const Energy& energy, const std::string& line) {
    Bytes row(static_cast<std::size_t>(energy.sites()));
    energy.parse(line, row);
    return row;
}

std::string refused(const Energy& energy, const std::string& line) {
    try {
        row_of(energy, line);
    } catch (const marginalia::Error& error) {
        return error.what();
    }
    return "";
}

// Places of a full row's tokens that are its atoms number `atoms`, and the other way round: -1 where a token is no
// atom.
std::vector<std::size_t> atom_places(const molecule_properties::TokenRows& rows, const Bytes& row,
                                     const std::vector<int>& atoms) {
    const auto molecule = placed_molecule(rows, row);
    std::vector<std::size_t> places;
    for (const int atom : atoms) places.push_back(molecule.atom(atom).position);
    return places;
}

std::vector<int> atom_numbers(const molecule_properties::TokenRows& rows, const Bytes& row,
                              const std::vector<std::size_t>& places) {
    const auto molecule = placed_molecule(rows, row);
    std::vector<int> numbers;
    for (const std::size_t place : places) {
        numbers.push_back(-1);
        for (int atom = 0; atom < molecule.size(); ++atom)
            if (molecule.atom(atom).position == place) numbers.back() = atom;
    }
    return numbers;
}

Bytes random_row(const Energy& energy, std::mt19937& generator) {
    Bytes row(static_cast<std::size_t>(energy.sites()));
    for (auto& symbol : row)
        symbol = static_cast<std::uint8_t>(
            std::uniform_int_distribution<int>(0, static_cast<int>(energy.categories()) - 1)(generator));
    return row;
}

}  // namespace

TEST_CASE("log f of the published setting") {
    const auto energy = make("lipophilicity", {{"target", "-4"}, {"temperature", "0.1"}});
    CHECK(energy->categories() == 27);
    CHECK(energy->sites() == 55);
    const double methane = 0.1441 + 4 * 0.123;
    CHECK(energy->log_density(row_of(*energy, "[C]")) == doctest::Approx(-std::pow(methane + 4, 2) / 0.1));
    CHECK(energy->log_density(Bytes(55, 0)) == -10000);  // padding alone
    double values[4];
    energy->observe(row_of(*energy, "[C]"), values);
    CHECK(values[0] == 1);
    CHECK(values[1] == doctest::Approx(methane));
    CHECK(values[2] == 1);
    CHECK(values[3] == 0);
    energy->observe(Bytes(55, 0), values);
    CHECK(values[0] == 0);
    CHECK(std::isnan(values[1]));
    CHECK(energy->observables()[1].target_mean == -4);
    CHECK(energy->observables()[1].target_deviation == doctest::Approx(std::sqrt(0.05)));
}

TEST_CASE("every row of tokens but those without an atom is a molecule, and text goes back to it") {
    const auto energy = make("lipophilicity");
    std::mt19937 generator(1);
    int empty = 0;
    for (int i = 0; i < 3000; ++i) {
        const Bytes row = random_row(*energy, generator);
        empty += energy->identity(row).empty();
        CHECK(energy->log_density(row) >= -10000);
        CHECK(row_of(*energy, energy->text(row)) == row);
    }
    CHECK(empty < 30);
}

TEST_CASE("lines that leave something open") {
    const auto energy = make("lipophilicity", {{"length", "8"}});
    const auto back = [&](const std::string& line) { return energy->text(row_of(*energy, line)); };
    CHECK(back("[C][=C]□□□□") == "[C][=C]□□□□");
    CHECK(back("[C]_[C]") == "[C]□[C]");
    CHECK(back("[C][=C]…") == "[C][=C]□□□□□□");
    CHECK(back("[C][=C]...") == "[C][=C]□□□□□□");
    CHECK(back("…") == "□□□□□□□□");
    CHECK(back("CCO") == "[C][C][O]");
    CHECK(back("CCO 1-2") == "[C][C]□□□□□□");
    CHECK(back("CCO 2,3") == "□[C][O]□□□□□");
    CHECK(back("CC(O)N 1-3") == "[C][C][Branch1][C][O]□□□");
    CHECK(back("CC(O)N 1,2,4") == "[C][C][Branch1][C]□[N]□□");  // the branch stands between atoms that are bound
    CHECK(back("CC(O)N 1,3") == "[C]□□□[O]□□□");
    CHECK(back("C(O)(N)C 1,2") == "[C][Branch1][C][O]□□□□");
    CHECK(back("C1CC1CO 1-3") == "[C][C][C][Ring1][Ring1]□□□");  // the ring binds atoms that are kept
    CHECK(back("C1CC1CO 2-4") == "□[C][C]□□[C]□□");
    CHECK(refused(*energy, "[C][Xx]").starts_with("token 2 is '[Xx]', which is not in the alphabet; it is one of"));
    CHECK(refused(*energy, "CCCCCCCCC") == "it has 9 tokens where a row has 8");
    CHECK(refused(*energy, "C[Na]").find("token [Na], which is not in the alphabet") != std::string::npos);
    CHECK(refused(*energy, "C_C").find("name the atoms to keep") != std::string::npos);
    CHECK(refused(*energy, "C(C").starts_with("character "));
}

TEST_CASE("every way to write a list of atoms is the same list, and what is none is refused") {
    const auto energy = make("lipophilicity", {{"length", "16"}});
    const Bytes three = row_of(*energy, "CC(=O)NC 1-3");
    for (const char* line :
         {"CC(=O)NC 1-3 ", " CC(=O)NC 1-3", "CC(=O)NC\t1-3", "CC(=O)NC \t 1-3\t ", "CC(=O)NC 1 2 3", "CC(=O)NC 1,2,3",
          "CC(=O)NC 1, 2, 3", "CC(=O)NC 1 ,2 , 3", "CC(=O)NC 1\t2\t3", "CC(=O)NC 1\t2 3", "CC(=O)NC 1 - 3",
          "CC(=O)NC 1 2-3", "CC(=O)NC 3,2,1", "CC(=O)NC 1 1-2 2,3", "CC(=O)NC 01-03"}) {
        CAPTURE(line);
        CHECK(row_of(*energy, line) == three);
    }
    CHECK(row_of(*energy, "CC(=O)NC ") == row_of(*energy, "CC(=O)NC"));
    CHECK(row_of(*energy, "CC(=O)NC\t") == row_of(*energy, "CC(=O)NC"));
    CHECK(row_of(*energy, " [C][O] \t") == row_of(*energy, "[C][O]"));
    CHECK(row_of(*energy, "[C] □ [O]… ") == row_of(*energy, "[C]□[O]…"));
    const std::string no_list = "the atoms to keep are not a list of numbers from 1 to 3 such as 1-6,9: ";
    const std::pair<const char*, const char*> wrong[] = {
        {"4", "there is no atom 4"},
        {"0", "there is no atom 0"},
        {"1-4", "there is no atom 4"},
        {"99999999999999999999999", "there is no atom 99999999999999999999..."},
        {"2-1", "'2-1' runs backwards"},
        {"1,,2", "a number should stand where ',' does"},
        {",1", "a number should stand where ',' does"},
        {"1,2,", "nothing follows the last comma"},
        {"1-", "the end of a range should stand where it ends"},
        {"-3", "a number should stand where '-' does"},
        {"+1", "a number should stand where '+' does"},
        {"1-2-3", "a number should stand where '-' does"},
        {"1e0", "'e' stands behind the 1"},
        {"1.0", "'.' stands behind the 1"},
        {"1;2", "';' stands behind the 1"},
        {"1–3", "'–' (U+2013, a dash) stands behind the 1"},
        {"1−3", "'−' (U+2212, a minus sign) stands behind the 1"},
        {"１", "a number should stand where '１' (U+FF11, a wide character) does"},
        {"1\u00A02", "U+00A0 (a no-break space) stands behind the 1"},
        {"ethanol", "a number should stand where 'e' does"},
    };
    for (const auto& [list, what] : wrong)
        for (const char* between : {" ", "\t", " \t "})
            CHECK(refused(*energy, std::string("CCO") + between + list) == no_list + what);
    CHECK(refused(*energy, "CCO\u00A01") == "character 4: U+00A0 (a no-break space) has no meaning in a SMILES");
    CHECK(refused(*energy, "[C][O] 1-2").starts_with("a list of atoms stands behind a SMILES alone"));
    CHECK(refused(*energy, "[C][O]\t1-2")
              .starts_with("'1-2' stands behind the row, where only the SMILES of its molecule may"));
    CHECK(refused(*energy, "").starts_with("there is nothing in it"));
    CHECK(refused(*energy, " \t").starts_with("there is nothing in it"));
    CHECK(row_of(*energy, "[C][O]\tCO") == row_of(*energy, "[C][O]"));  // as sample writes it
    CHECK(row_of(*energy, "[NH1]1C=CC=C1 1") != row_of(*energy, "…"));  // a SMILES may begin with brackets
}

// 200 random completions of what a line gives that keep it, as complete draws them, against RDKit's reading of the
// molecule.
TEST_CASE("kept atoms have in every completion the bonds that were given, and no others") {
    const auto energy = make("lipophilicity", {{"length", "24"}});
    const molecule_properties::TokenRows rows(molecule_properties::Notation::selfies, "moses");
    std::mt19937 generator(5);
    const std::pair<const char*, std::vector<int>> given[] = {{"c1ccccc1C(=O)O 1-6", {0, 1, 2, 3, 4, 5}},
                                                              {"C1=CC=CC=C1 1-6", {0, 1, 2, 3, 4, 5}},
                                                              {"C1CC1CO 1-3", {0, 1, 2}},
                                                              {"CC(O)(N)C#N 1,2,5-6", {0, 1, 4, 5}},
                                                              {"OC(=O)C=C 1-3", {0, 1, 2}},
                                                              {"CC(=O)N 2-4", {1, 2, 3}}};
    for (const auto& [line, atoms] : given) {
        CAPTURE(line);
        const std::string text(line);
        const auto bonds_of = [&](const Bytes& row, const std::vector<std::size_t>& places) {
            RDKit::SmilesParserParams as_written;  // atoms in the order of the tokens, hydrogens too
            as_written.sanitize = as_written.removeHs = false;
            const std::unique_ptr<RDKit::RWMol> read(
                RDKit::SmilesToMol(marginalia::molecules::write_smiles(rows.molecule(row)), as_written));
            REQUIRE(read);
            std::vector<int> orders;
            const std::vector<int> numbers = atom_numbers(rows, row, places);
            for (std::size_t a = 0; a < numbers.size(); ++a)
                for (std::size_t b = 0; b < a; ++b) {
                    const auto* bond =
                        numbers[a] < 0 || numbers[b] < 0 ? nullptr : read->getBondBetweenAtoms(numbers[a], numbers[b]);
                    orders.push_back(bond ? static_cast<int>(bond->getBondType()) : 0);
                }
            return orders;
        };
        const Bytes whole = row_of(*energy, text.substr(0, text.find(' '))), partial = row_of(*energy, text);
        const std::vector<std::size_t> places = atom_places(rows, whole, atoms);
        const std::vector<int> expected = bonds_of(whole, places);
        int kept = 0, refused_rows = 0;
        for (int tries = 0; kept < 200 && tries < 2'000'000; ++tries) {
            Bytes row = partial;
            for (auto& symbol : row)
                if (symbol == 27)
                    symbol = static_cast<std::uint8_t>(std::uniform_int_distribution<int>(0, 26)(generator));
            const bool same = bonds_of(row, places) == expected;
            if (energy->keeps(text, row) != same) FAIL("keeps() and RDKit differ about ", energy->text(row));
            (same ? kept : refused_rows) += 1;
        }
        CHECK(kept == 200);
        MESSAGE(text, ": ", refused_rows, " of ", refused_rows + kept, " random completions refused");
    }
    // The one that was seen: a ring token that makes a bond of the ring double.
    CHECK_FALSE(energy->keeps("c1ccccc1C(=O)O 1-6",
                              row_of(*energy, "[C][=C][C][=C][C][=C][Ring1][=Branch1][Ring1][=Branch1]")));
    CHECK(energy->keeps("c1ccccc1C(=O)O 1-6", row_of(*energy, "[C][=C][C][=C][C][=C][Ring1][=Branch1][O]")));
    CHECK(
        energy->keeps("[C][C]…", row_of(*energy, "[C][C][Ring1][C]")));  // a row of tokens says no more than its tokens
}

TEST_CASE("SMILES characters, of which few rows are molecules") {
    const auto energy = make("lipophilicity", {{"tokens", "smiles"}, {"length", "12"}});
    CHECK(energy->categories() == 27);
    CHECK(energy->log_density(row_of(*energy, "c1ccccc1O")) > -100);
    CHECK(energy->log_density(row_of(*energy, "c1ccccc")) == -10000);
    CHECK(energy->text(row_of(*energy, "c1ccccc1O□")) == "c1ccccc1O□");
    CHECK(energy->identity(row_of(*energy, "Oc1ccccc1")) == "Oc1ccccc1");
    CHECK(row_of(*energy, "CCO  ") == row_of(*energy, "CCO"));
    for (const char* line : {"CCO 1-2", "CCO 1 2", "CCO 1, 2 ", "CCO  3"})
        CHECK(refused(*energy, line).starts_with("a list of atoms to keep needs tokens = \"selfies\""));
    CHECK(refused(*energy, "CCO\t1-2").starts_with("'1-2' stands behind the row"));
    // A row that a poor model draws and that reads like a list of atoms has a text that is read as the row again.
    Bytes like_list(12, 0);
    const Bytes carbon = row_of(*energy, "C"), one = row_of(*energy, "1");
    like_list[0] = carbon[0], like_list[2] = one[0];
    CHECK(energy->text(like_list) == "C 1         ");
    CHECK(row_of(*energy, energy->text(like_list)) == like_list);
}

TEST_CASE("identity is one for all ways to write a molecule; pictures and diversity") {
    const auto energy = make("lipophilicity");
    const Bytes one = row_of(*energy, "OCC"), two = row_of(*energy, "CCO"), ring = row_of(*energy, "c1ccccc1");
    CHECK(energy->identity(one) == "CCO");
    CHECK(energy->identity(two) == "CCO");
    CHECK(energy->identity(Bytes(55, 0)).empty());
    CHECK(energy->picture(two).find("<svg") != std::string::npos);
    CHECK(energy->picture(Bytes(55, 0)).empty());
    Bytes rows = one;
    rows.insert(rows.end(), two.begin(), two.end());
    CHECK(energy->diversity({rows, 55}) == 0);
    rows.insert(rows.end(), ring.begin(), ring.end());
    CHECK(energy->diversity({rows, 55}) == doctest::Approx(2.0 / 3));
    CHECK(std::isnan(energy->diversity({one, 55})));
}

TEST_CASE("property-mix adds its parts, and wants one") {
    const auto mix = make("property-mix",
                          {{"lipophilicity_weight", "2"}, {"molecular_weight_weight", "0.01"}, {"temperature", "0.5"}});
    const auto log_p = make("lipophilicity"), weight = make("molecular-weight", {{"temperature", "1000"}});
    const Bytes row = row_of(*mix, "CCO");
    CHECK(mix->log_density(row) ==
          doctest::Approx((2 * log_p->log_density(row) + 10 * weight->log_density(row)) / 0.5));
    CHECK(refusal("property-mix", {}).starts_with("no property has a weight"));
    CHECK(refusal("tanimoto", {{"molecule", "\"C(\""}}).find("is not a SMILES") != std::string::npos);
    CHECK(refusal("lipophilicity", {{"alphabet", "[C][C]"}}) == "the alphabet has '[C]' twice");
    CHECK(refusal("lipophilicity", {{"tokens", "smiles"}, {"alphabet", "C,N,O"}})
              .starts_with("the alphabet has ',', which is not a character of a SMILES"));
    CHECK(refusal("lipophilicity", {{"alphabet", "[C][Branch1_2]"}})
              .starts_with("the alphabet's '[Branch1_2]' is a token of SELFIES 1, where version 2 writes [=Branch1]"));
    CHECK(refusal("lipophilicity", {{"alphabet", "[C][x]"}}) == "the alphabet's '[x]' is not a token of SELFIES");
}

TEST_CASE("the cache gives what was put, forgets the oldest, and changes no value") {
    molecule_properties::ValueCache cache(1 << 20, 2);
    const double put[] = {1, 2};
    double found[2];
    for (int i = 0; i < 100'000; ++i) cache.put("molecule " + std::to_string(i), put);
    CHECK_FALSE(cache.find("molecule 0", found));
    CHECK(cache.find("molecule 99999", found));
    CHECK(found[1] == 2);
    const auto with = make("lipophilicity"), without = make("lipophilicity", {{"cache_megabytes", "0"}});
    std::mt19937 generator(2);
    for (int i = 0; i < 300; ++i) {
        const Bytes row = random_row(*with, generator);
        const double first = with->log_density(row);
        CHECK(with->log_density(row) == first);
        CHECK(without->log_density(row) == first);
    }
}

TEST_CASE("conditionals of a site are log f with each symbol there, also behind the end of the molecule") {
    const auto energy = make("lipophilicity");
    std::mt19937 generator(3);
    std::vector<double> out(27);
    for (int i = 0; i < 40; ++i) {
        Bytes row = random_row(*energy, generator);
        for (std::size_t site = 0; site < row.size(); site += 1 + site % 4) {
            energy->site_log_densities(row, static_cast<std::int64_t>(site), out);
            const double shift = energy->log_density(row) - out[row[site]];
            for (std::size_t k = 0; k < 27; ++k) {
                Bytes changed = row;
                changed[site] = static_cast<std::uint8_t>(k);
                CHECK(energy->log_density(changed) == doctest::Approx(out[k] + shift));
            }
        }
    }
}
