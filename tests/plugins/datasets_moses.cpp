// The dataset `moses`.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <sstream>

#include "kernel/host/data/get.h"
#include "tests/plugins/dataset_testing.h"

namespace datasets_moses {

using namespace dataset_testing;
using marginalia::Split;

namespace {

// Twenty rows; the last two are for validation.
std::string rows(const std::string& molecule, const std::string& last = "") {
    std::string text;
    for (int i = 0; i < 19; ++i) text += molecule + "\n";
    return text + (last.empty() ? molecule : last) + "\n";
}

energy_plugin::Words words(const Folder& folder, const std::string& tokens = "smiles",
                           const std::string& length = "0") {
    return {{"folder", folder.path().string()}, {"tokens", tokens}, {"length", length}};
}

std::string train_refusal(const std::string& train, const std::string& tokens = "smiles",
                          const std::string& test = "") {
    const Folder folder;
    folder.write("train.csv", train);
    folder.write("test.csv", test.empty() ? train : test);
    return refusal("moses", words(folder, tokens), folder);
}

std::vector<std::string> names_of(const marginalia::Dataset& dataset) {
    std::vector<std::string> names;
    for (const marginalia::Observable& observable : dataset.observables()) names.push_back(observable.name);
    return names;
}

// Of a row as typed, to six decimals.
std::vector<double> values_of(const marginalia::Dataset& dataset, const std::string& line) {
    std::vector<std::uint8_t> row(static_cast<std::size_t>(dataset.sites()));
    dataset.parse(line, row);
    std::vector<double> values(dataset.observables().size());
    dataset.observe(row, values);
    for (double& value : values) value = std::round(value * 1e6) / 1e6;
    return values;
}

// The sentence after the place, of a SMILES on line 1.
std::string smiles_refusal(const std::string& smiles) { return train_refusal(smiles + "\n"); }

}  // namespace

TEST_CASE("files of the cache have as many molecules as the published ones") {
    const Folder cache;
    ::setenv("MARGINALIA_DATA", cache.path().c_str(), 1);
    cache.write("moses/train.csv", rows("CCO"));
    cache.write("moses/test.csv", rows("CCO"));
    CHECK(refusal("moses", {}, cache) ==
          "moses/train.csv: it has 20 molecules and the published file 1584663; remove it and fetch it with: "
          "marginalia data get moses");
    ::unsetenv("MARGINALIA_DATA");
}

TEST_CASE("SMILES: vocabulary of the training rows, padding, splits") {
    const Folder folder;
    folder.write("train.csv", "SMILES,SPLIT\n" + rows("c1cc(Cl)1,train", "CO"));
    folder.write("test.csv", "smiles\r\nClC\r\n");
    // 'O' stands in a validation row only.
    CHECK(refusal("moses", words(folder), folder) ==
          "train.csv:21:2: the token O is in no training row, so that no model gives it a probability (1 of 20 "
          "molecules have such "
          "tokens); take them out of the file");
    folder.write("train.csv", "SMILES,SPLIT\n" + rows("c1cc(Cl)1,train", "Cl"));
    folder.write("test.csv", "smiles\r\nClC\r\nC1CC1\tname\r\n\r\n");
    const auto moses = make("moses", words(folder));
    CHECK(moses->vocabulary() == std::vector<std::string>{" ", "(", ")", "1", "C", "c", "l"});
    CHECK(moses->categories() == 7);
    CHECK(moses->sites() == 9);
    CHECK(moses->size(Split::train) == 18);
    CHECK(moses->size(Split::validation) == 2);
    CHECK(moses->size(Split::test) == 2);
    CHECK(row_of(*moses, Split::train, 17) == std::vector<std::uint8_t>{5, 3, 5, 5, 1, 4, 6, 2, 3});
    CHECK(row_of(*moses, Split::validation, 1) == std::vector<std::uint8_t>{4, 6, 0, 0, 0, 0, 0, 0, 0});
    CHECK(text_of(*moses, Split::test, 1) == "C1CC1");
    CHECK_THROWS_WITH(row_of(*moses, Split::test, 2), "there is no row 2; the split has 2");
}

TEST_CASE("typed lines may leave the padding out") {
    const Folder folder;
    folder.write("train.csv", rows("CCOCC"));
    folder.write("test.csv", "C\n");
    const auto moses = make("moses", words(folder));
    std::vector<std::uint8_t> row(5);
    moses->parse("CO", row);
    CHECK(row == std::vector<std::uint8_t>{1, 2, 0, 0, 0});
    moses->parse("C_□", row);
    CHECK(row == std::vector<std::uint8_t>{1, 3, 3, 0, 0});
    moses->parse("CO…", row);
    CHECK(row == std::vector<std::uint8_t>{1, 2, 3, 3, 3});
    CHECK_THROWS_WITH(moses->parse("CCCCCC", row), "it has 6 symbols where a state has 5 sites");
    CHECK_THROWS_WITH(moses->parse("", row), "it has 0 symbols where a state has 5 sites");
    CHECK_THROWS_WITH(moses->parse("CN", row), "symbol 2 is 'N'; it must be   C O, or □ or _ (unknown)");
}

TEST_CASE("SELFIES: words in brackets, [nop] as padding") {
    const Folder folder;
    folder.write("train.csv", "SELFIES\n" + rows("[C][=O][Branch1].[C]", "[C][nop]"));
    folder.write("test.csv", "[=O]\n");
    const auto moses = make("moses", words(folder, "selfies", "6"));
    CHECK(moses->vocabulary() == std::vector<std::string>{"[nop]", ".", "[=O]", "[Branch1]", "[C]"});
    CHECK(moses->sites() == 6);
    CHECK(row_of(*moses, Split::train, 0) == std::vector<std::uint8_t>{4, 2, 3, 1, 4, 0});
    CHECK(row_of(*moses, Split::validation, 1) == std::vector<std::uint8_t>{4, 0, 0, 0, 0, 0});
    CHECK(text_of(*moses, Split::train, 0) == "[C][=O][Branch1].[C]");
    std::vector<std::uint8_t> row(6);
    moses->parse("[C]_□,[=O]", row);
    CHECK(row == std::vector<std::uint8_t>{4, 5, 5, 2, 0, 0});
    CHECK(make("moses", words(folder, "selfies"))->sites() == 5);
}

TEST_CASE("lines that are no molecules are refused with line and column") {
    CHECK(train_refusal("") == "train.csv: the file is empty; remove it and fetch it with: marginalia data get moses");
    for (const char* same : {"\xEF\xBB\xBF"
                             "SMILES\nCC\n",
                             "SMILES\r\nCC\r\n", "SMILES\rCC\r"})
        CHECK(train_refusal(same) == "");
    CHECK(smiles_refusal("C\xE2\x80\x8B"
                         "C") == "train.csv:1:2: U+200B (an invisible character) is not a character of a SMILES");
    CHECK(train_refusal("SMILES\n") == "train.csv: there is no molecule in this file");
    CHECK(train_refusal("CC\n\nCC\n") == "train.csv:2:1: there is no molecule on this line");
    CHECK(smiles_refusal("CC!C") == "train.csv:1:3: '!' is not a character of a SMILES");
    CHECK(smiles_refusal("Cé") == "train.csv:1:2: 'é' is not a character of a SMILES");
    CHECK(smiles_refusal("CC(C") == "train.csv:1:5: the molecule ends in a branch; a ')' is missing");
    CHECK(smiles_refusal("CC)C") == "train.csv:1:3: this ')' closes no branch");
    CHECK(smiles_refusal("C[NHC") == "train.csv:1:2: this '[' is not closed by a ']'");
    CHECK(smiles_refusal("C[N[H]]C") == "train.csv:1:2: this '[' is not closed by a ']'");
    CHECK(smiles_refusal("CN]C") == "train.csv:1:3: this ']' closes no bracket");
    CHECK(smiles_refusal("C1CC") == "train.csv:1:5: ring bond 1 is opened and never closed");
    CHECK(smiles_refusal("C%12CC%13CC%12") == "train.csv:1:15: ring bond 13 is opened and never closed");
    CHECK(smiles_refusal("C%1C") == "train.csv:1:2: '%' is not followed by the two digits of a ring bond");
    CHECK(smiles_refusal("CChello") ==
          "train.csv:1:3: this is not read as a molecule: 'h' is not an atom by itself; B C N O P S F Cl Br I and b c "
          "n o "
          "p s are, others stand in brackets");
    CHECK(smiles_refusal("C==C") == "train.csv:1:2: this is not read as a molecule: the bond '=' leads to no atom");
    CHECK(smiles_refusal(rows("C[13CH2]%10N1CCC1%10")) == "");
}

TEST_CASE("SELFIES where SMILES are and the other way round") {
    CHECK(train_refusal("SMILES\nCCO\n", "selfies") ==
          "train.csv:2:1: 'CCO' is no SELFIES; tokens = \"selfies\" needs files that hold SELFIES (marginalia-selfies "
          "encode makes them from SMILES), or set tokens = \"smiles\"");
    CHECK(train_refusal("SELFIES\n[C]\n") == "train.csv:1:1: this file holds SELFIES; set tokens = \"selfies\"");
    CHECK(train_refusal("[C][C\n", "selfies") ==
          "train.csv:1:4: here a token of SELFIES, such as [C] or [=Branch1], should be");
    CHECK(train_refusal("[C]C[C]\n", "selfies") ==
          "train.csv:1:4: here a token of SELFIES, such as [C] or [=Branch1], should be");
    CHECK(train_refusal("[C][]\n", "selfies") ==
          "train.csv:1:4: here a token of SELFIES, such as [C] or [=Branch1], should be");
    std::string many;
    for (int i = 0; i < 256; ++i) many += "[" + std::to_string(i + 1) + "C]";
    CHECK(train_refusal(many + "\n", "selfies")
              .ends_with(": this is token number 256; a file of molecules has at most 255 different ones"));
}

TEST_CASE("rows that do not fit are refused and counted") {
    CHECK(train_refusal(rows("CCO"), "smiles", "CO\nCCN\nS\n") ==
          "test.csv:2:3: the token N is in no training row, so that no model gives it a probability (2 of 3 molecules "
          "have such "
          "tokens); take them out of the file");
    const Folder folder;
    folder.write("train.csv", "SMILES\n" + rows("CC", "CCCCC"));
    folder.write("test.csv", "C\nCCC\nCCCC\n");
    CHECK(make("moses", words(folder))->sites() == 5);
    CHECK(refusal("moses", words(folder, "smiles", "4"), folder) ==
          "train.csv:21:1: this molecule has 5 tokens and length = 4 (1 of 20 are too long); give at least 5, or 0");
    CHECK(make("moses", words(folder, "smiles", "8"))->sites() == 8);
}

TEST_CASE("quantities of the molecule that a row stands for") {
    const Folder folder;
    const std::string aspirin = "CC(=O)Oc1ccccc1C(=O)O";
    folder.write("train.csv", rows(aspirin));
    folder.write("test.csv", aspirin + "\n");
    const auto smiles = make("moses", words(folder));
    const std::vector<std::string> expected = {"valid",           "heavy_atoms",      "rings",         "heteroatoms",
                                               "rotatable_bonds", "molecular_weight", "aromatic_atoms"};
    REQUIRE(names_of(*smiles) == expected);
    CHECK(smiles->observables()[5].unit == "g/mol");
    CHECK(values_of(*smiles, aspirin) == std::vector<double>{1, 13, 1, 4, 3, 180.159, 6});
    CHECK(values_of(*smiles, "O=C=O") == std::vector<double>{1, 3, 0, 2, 0, 44.009, 0});
    // No closing bracket, five bonds, no pattern of double bonds, aromatic outside rings, a blank inside, nothing.
    for (const char* invalid : {"CC(C", "CC(C)(C)(C)C", "c1cccc1", "cc", "C C", " "}) {
        const std::vector<double> values = values_of(*smiles, invalid);
        CHECK(values[0] == 0);
        CHECK(std::all_of(values.begin() + 1, values.end(), [](double value) { return std::isnan(value); }));
    }
}

TEST_CASE("a row of SELFIES has the quantities of its SMILES") {
    const Folder folder;
    folder.write("train.csv",
                 rows("[C][C][=Branch1][C][=O][O][C][=C][C][=C][C][=C][Ring1][=Branch1][C][=Branch1][C][=O][O]"));
    folder.write("test.csv", "[C][S][nop]\n");
    CHECK(refusal("moses", words(folder, "selfies"), folder)
              .starts_with("test.csv:1:4: the token [S] is in no training row"));
    folder.write("test.csv", "[C][Word][nop]\n");
    CHECK(refusal("moses", words(folder, "selfies"), folder) == "test.csv:1:4: '[Word]' is not a token of SELFIES");
    folder.write("test.csv", "[C][O][nop]\n");
    const auto moses = make("moses", words(folder, "selfies"));
    CHECK(names_of(*moses).back() == "molecular_weight");
    std::vector<double> aspirin =
        values_of(*moses,
                  "[C][C][=Branch1][C][=O][O][C][=C][C][=C][C][=C][Ring1][=Branch1][C][=Branch1]"
                  "[C][=O][O]");
    CHECK(aspirin == std::vector<double>{1, 13, 1, 4, 3, 180.159});
    CHECK(values_of(*moses, "[C][nop][=O][nop]")[1] == 2);
    CHECK(values_of(*moses, "[nop]")[0] == 0);
    CHECK(values_of(*moses, "[Ring1][=Branch1]")[0] == 0);
}

TEST_CASE("a missing folder says how to get the files") {
    const Folder folder;
    CHECK(refusal("moses", {{"folder", folder / "none"}}, folder) ==
          "none/train.csv: there is no such file; fetch it with: marginalia data get moses, or set folder to where it "
          "is");
}

TEST_CASE("MOSES, by `data get` into the cache and from there") {
    const std::string from = real_data("moses_train.csv.xz");
    if (from.empty()) return;
    const Folder cache;
    ::setenv("MARGINALIA_DATA", cache.path().c_str(), 1);
    std::ostringstream said;
    marginalia::data::get(marginalia::data::set_named("moses"), from, cache / "moses", said);
    const auto moses = timed_make("moses", {});
    ::unsetenv("MARGINALIA_DATA");
    CHECK(moses->sites() == 57);
    CHECK(moses->categories() == 27);
    CHECK(moses->size(Split::train) == 1'426'197);
    CHECK(moses->size(Split::validation) == 158'466);
    CHECK(moses->size(Split::test) == 176'074);
    CHECK(text_of(*moses, Split::test, 0).starts_with("CC1C2CCC(C2)C1CN(CCO)C(=O)c1ccc(Cl)cc1"));
    std::string all;
    for (const std::string& word : moses->vocabulary()) all += word;
    CHECK(all == " #()-123456=BCFHNOS[]clnors");
}

}  // namespace datasets_moses
