// Agreement with the Python package selfies 2.2.0 on stored vectors, and round trips of molecules of MOSES.
#include <doctest/doctest.h>

#include <chrono>

#include "plugins/molecules/properties.h"
#include "tests/plugins/selfies_testing.h"

using namespace selfies_testing;

namespace {

std::string encoded(const std::string& smiles) {
    try {
        return encode(smiles);
    } catch (const MoleculeError&) {
        return "ENCODER_ERROR";
    }
}

std::string decoded(const std::string& selfies) {
    try {
        return decode(selfies);
    } catch (const MoleculeError&) {
        return "DECODER_ERROR";
    }
}

}  // namespace

TEST_CASE("the reference's own test sets") {
    const std::string file = shared_file("vectors_selfies_sets.tsv.xz");
    if (file.empty()) return;
    std::size_t encodings = 0, decodings = 0;
    for (const std::string& line : lines_of(file)) {
        const std::vector<std::string> row = fields_of(line);  // set, smiles, selfies, decoded
        REQUIRE(row.size() == 4);
        const bool has_smiles = row[0] != "specific_decode", has_selfies = row[2] != "ENCODER_ERROR";
        encodings += has_smiles;
        decodings += has_selfies;
        if (has_smiles) CHECK_MESSAGE(encoded(row[1]) == row[2], row[1]);
        if (has_selfies) CHECK_MESSAGE(decoded(row[2]) == row[3], row[2]);
    }
    CHECK(encodings == 18'717);
    CHECK(decodings == 18'714);
}

TEST_CASE("random strings of the MOSES alphabet") {
    const std::string file = shared_file("vectors_selfies_random.tsv.xz");
    if (file.empty()) return;
    std::size_t rows = 0;
    for (const std::string& line : lines_of(file)) {
        const std::vector<std::string> row = fields_of(line);  // L, selfies, decoded, ..
        CHECK_MESSAGE(decode(row.at(1)) == row.at(2), row[1]);
        ++rows;
    }
    CHECK(rows == 3'375);
}

TEST_CASE("molecules of MOSES, both ways") {
    const std::string file = shared_file("vectors_moses_props.tsv.xz");
    if (file.empty()) return;
    std::size_t rows = 0;
    for (const std::string& line : lines_of(file)) {
        const std::vector<std::string> row = fields_of(line);  // smiles, selfies, decoded, ..
        CHECK(encode(row.at(0)) == row.at(1));
        CHECK_MESSAGE(decode(row[1]) == row.at(2), row[1]);
        ++rows;
    }
    CHECK(rows == 3'750);
}

TEST_CASE("a round trip gives the same molecule") {
    const std::string file = shared_file("moses_test.csv.xz");
    if (file.empty()) return;
    const std::vector<std::string> molecules = lines_of(file, 10'000);
    REQUIRE(molecules.size() == 10'000);
    std::vector<std::string> selfies;
    const auto start = std::chrono::steady_clock::now();
    for (const std::string& smiles : molecules) selfies.push_back(encode(smiles));
    const auto middle = std::chrono::steady_clock::now();
    std::vector<std::string> back;
    for (const std::string& text : selfies) back.push_back(decode(text));
    const auto end = std::chrono::steady_clock::now();
    const auto rate = [](auto time) { return 1e4 / std::chrono::duration<double>(time).count(); };
    std::cout << "encoded " << rate(middle - start) << " molecules/s, decoded " << rate(end - middle) << std::endl;
    for (std::size_t i = 0; i < molecules.size(); ++i) {
        Molecule molecule = parse_smiles(molecules[i]);
        CHECK(refusal([&] { check_molecule(molecule); }) == "");
        CHECK_MESSAGE(same_molecule(molecule, parse_smiles(back[i])), molecules[i]);
    }
}
