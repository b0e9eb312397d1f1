// `data get`, `data list` and `data normalise` as typed.
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "kernel/host/verbs/verbs.h"
#include "tests/plugins/dataset_testing.h"

using namespace dataset_testing;

namespace {

// Standard output of `marginalia data ...`; throws what the verb throws.
std::string typed(std::vector<std::string> words) {
    CLI::App app;
    marginalia::CommandLine line;
    marginalia::add_data(app, line);
    std::reverse(words.begin(), words.end());
    app.parse(words);
    line.common.format = marginalia::format_named(line.format);
    std::ostringstream out;
    const int exit_code = line.action(out);
    CHECK(exit_code == 0);
    return out.str();
}

// The message of the refusal, "" where there is none.
std::string refused(const std::vector<std::string>& words) {
    try {
        typed(words);
    } catch (const marginalia::Error& error) {
        return error.what();
    }
    return "";
}

}  // namespace

TEST_CASE("list: names, sizes, licences, and what is there") {
    const Folder cache;
    ::setenv("MARGINALIA_DATA", cache.path().c_str(), 1);
    const auto states = [] {
        std::string text;
        for (const auto& set : nlohmann::json::parse(typed({"data", "list", "--format", "json"})))
            text += set["name"].get<std::string>() + ":" + set["state"].get<std::string>() + " ";
        return text;
    };
    const std::string tables =
        "abalone:- breast-cancer:- magic:- wine-quality:- penguins:- adult:- power:- gas:- hepmass:- miniboone:- "
        "bsds300:- ";
    CHECK(states() == "mnist:- mnist-static:- moses:- text8:- text8-74m:- cifar10:- G11:- G12:- G13:- " + tables);
    cache.write("moses/train.csv", "short");
    cache.write("mnist/binarized_mnist_test.amat", "");
    fs::resize_file(cache / "mnist/binarized_mnist_test.amat", 15'680'000);
    CHECK(states() ==
          "mnist:- mnist-static:1 of 3 moses:damaged text8:- text8-74m:- cifar10:- G11:- G12:- G13:- " + tables);
    cache.write("text8/text8_first74000000", "");
    fs::resize_file(cache / "text8/text8_first74000000", 74'000'000);
    cache.write("gset/G12.txt", "by its name alone");
    CHECK(states() ==
          "mnist:- mnist-static:1 of 3 moses:damaged text8:- text8-74m:there cifar10:- G11:- G12:there G13:- " +
              tables);
    const auto moses = nlohmann::json::parse(typed({"data", "list", "--format", "json"}))[2];
    CHECK(moses["size"] == 58'408'794 + 6'490'097);
    CHECK(moses["folder"] == cache / "moses");
    CHECK(moses["licence"] == "MIT");
    const std::string text = typed({"data", "list"});
    CHECK(text.find("mnist-static") != std::string::npos);
    CHECK(text.find("CC BY-SA 3.0") != std::string::npos);
    std::cout << text;
    ::unsetenv("MARGINALIA_DATA");
}

TEST_CASE("get: into the cache or another folder, from a file") {
    const Folder folder;
    ::setenv("MARGINALIA_DATA", (folder / "cache").c_str(), 1);
    const std::string file = folder.write("text8", "no hundred million bytes");
    const std::string wrong =
        file + ": this text8 is another file than the published one: it has 24 bytes and the published file 100000000";
    CHECK(refused({"data", "get", "text8", "--from", file}) == wrong);
    CHECK(refused({"data", "get", "text8", "--from", file, "--to", folder / "there"}) == wrong);
    CHECK(fs::is_empty(folder / "cache/text8"));
    CHECK(fs::is_empty(folder / "there"));
    CHECK(refused({"data", "get", "text9"}) ==
          "unknown data set 'text9'; did you mean 'text8'? data sets: mnist, mnist-static, moses, text8, text8-74m, "
          "cifar10, G11, G12, G13, abalone, breast-cancer, magic, wine-quality, penguins, adult, power, gas, hepmass, "
          "miniboone, bsds300");
    // No address of it is known, so this needs no network.
    const std::string by_hand = refused({"data", "get", "text8-74m"});
    CHECK(by_hand.starts_with("text8-74m could not be fetched:\n  no address of it is known\nPut these into " +
                              (folder / "cache/text8, or name the ")));
    CHECK(by_hand.find("\n  text8_first74000000  74000000 bytes, SHA-256 "
                       "03c7c393562518c05771ac9fa66ccc1990574158768951ff7b20903014336ae8\nIt is "
                       "made from text8 by: head -c 74000000 text8") != std::string::npos);
    ::unsetenv("MARGINALIA_DATA");
}

TEST_CASE("get prints the folder") {
    const std::string from = real_data("binarized_mnist_test.amat.xz");
    if (from.empty()) return;
    const Folder folder;
    CHECK(typed({"data", "get", "mnist-static", "--from", from, "--to", folder / "digits"}) == folder / "digits\n");
    CHECK(fs::file_size(folder / "digits/binarized_mnist_valid.amat") == 15'680'000);
}

TEST_CASE("normalise: to a file") {
    const Folder folder;
    CHECK(typed({"data", "normalise", folder.write("a.txt", "Two & 2"), "-o", folder / "a"}).empty());
    CHECK(bytes_of(folder / "a") == " two two");
    CHECK(refused({"data", "normalise", folder / "b.txt"}) ==
          folder / "b.txt: cannot be read: No such file or directory; give the path of a readable file");
}
