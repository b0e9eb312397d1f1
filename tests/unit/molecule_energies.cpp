// Energies of molecules: rows of tokens, lines of text, log f, and what evaluation asks for.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>

#include <cmath>
#include <random>

#include "molecule-properties/token_rows.h"
#include "molecule-properties/value_cache.h"
#include "molecules/smiles.h"
#include "unit/energy_plugin.h"

using energy_plugin::Bytes;
using energy_plugin::make;
using energy_plugin::refusal;
using marginalia::Energy;

namespace {

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

Bytes random_row(const Energy& energy, std::mt19937& generator) {
    Bytes row(static_cast<std::size_t>(energy.sites()));
    for (auto& symbol : row)
        symbol = static_cast<std::uint8_t>(std::uniform_int_distribution<int>(0, static_cast<int>(energy.categories()) - 1)(generator));
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
    CHECK(back("CC(O)N 1,2,4") == "[C][C]□□□[N]□□");
    CHECK(back("C1CC1CO 1-3") == "[C][C][C][Ring1][Ring1]□□□");  // the ring binds atoms that are kept
    CHECK(back("C1CC1CO 2-4") == "□[C][C]□□[C]□□");
    CHECK(refused(*energy, "CCO 4") == "the atoms to keep, '4', are not a list of numbers from 1 to 3 such as 1-6,9");
    CHECK(refused(*energy, "CCO 2-1").find("are not a list") != std::string::npos);
    CHECK(refused(*energy, "[C][Xx]").starts_with("token 2 is '[Xx]', which the alphabet has not; it is one of"));
    CHECK(refused(*energy, "CCCCCCCCC") == "it has 9 tokens where a row has 8");
    CHECK(refused(*energy, "C[Na]").find("token [Na], which the alphabet has not") != std::string::npos);
    CHECK(refused(*energy, "C_C").find("name the atoms to keep") != std::string::npos);
    CHECK(refused(*energy, "C(C").starts_with("character "));
}

TEST_CASE("SMILES characters, of which few rows are molecules") {
    const auto energy = make("lipophilicity", {{"tokens", "smiles"}, {"length", "12"}});
    CHECK(energy->categories() == 27);
    CHECK(energy->log_density(row_of(*energy, "c1ccccc1O")) > -100);
    CHECK(energy->log_density(row_of(*energy, "c1ccccc")) == -10000);
    CHECK(energy->text(row_of(*energy, "c1ccccc1O□")) == "c1ccccc1O□");
    CHECK(energy->identity(row_of(*energy, "Oc1ccccc1")) == "Oc1ccccc1");
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
    const auto mix = make("property-mix", {{"lipophilicity_weight", "2"}, {"molecular_weight_weight", "0.01"}, {"temperature", "0.5"}});
    const auto log_p = make("lipophilicity"), weight = make("molecular-weight", {{"temperature", "1000"}});
    const Bytes row = row_of(*mix, "CCO");
    CHECK(mix->log_density(row) == doctest::Approx((2 * log_p->log_density(row) + 10 * weight->log_density(row)) / 0.5));
    CHECK(refusal("property-mix", {}).starts_with("no property has a weight"));
    CHECK(refusal("tanimoto", {{"molecule", "\"C(\""}}).find("is no SMILES") != std::string::npos);
    CHECK(refusal("lipophilicity", {{"alphabet", "[C][C]"}}) == "the alphabet has '[C]' twice");
    CHECK(refusal("lipophilicity", {{"alphabet", "[C][x]"}}) == "the alphabet's '[x]' is no token of SELFIES");
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
