// The dataset `text8`.
#include <doctest/doctest.h>

#include <cmath>
#include <sstream>

#include "kernel/host/data/get.h"
#include "tests/plugins/dataset_testing.h"

namespace datasets_text8 {

using namespace dataset_testing;
using marginalia::Split;

namespace {

// "ab ab ab ": its character i says i modulo 3.
std::string pattern(std::size_t size) {
    std::string text;
    for (std::size_t i = 0; i < size; ++i) text += "ab "[i % 3];
    return text;
}

std::string text_refusal(const std::string& text, const std::string& length = "2", const std::string& bytes = "0") {
    const Folder folder;
    return refusal("text8", {{"file", folder.write("text", text)}, {"length", length}, {"bytes", bytes}}, folder);
}

}  // namespace

TEST_CASE("the text is split in order, 18 to 1 to 1, into rows") {
    const Folder folder;
    std::string letters;  // 100 characters, of which the last ten are told apart
    for (int i = 0; i < 90; ++i) letters += "xyz"[i % 3];
    letters += "abcdefghij";
    const std::string file = folder.write("text", letters + "\r\n");
    const auto text = make("text8", {{"file", file}, {"length", "2"}, {"overlap", "false"}});
    CHECK(text->sites() == 2);
    CHECK(text->categories() == 27);
    CHECK(text->size(Split::train) == 45);
    CHECK(text->size(Split::validation) == 2);  // five characters: the last is left over
    CHECK(text->size(Split::test) == 2);
    CHECK(text_of(*text, Split::train, 0) == "xy");
    CHECK(text_of(*text, Split::train, 1) == "zx");
    CHECK(text_of(*text, Split::train, 44) == "yz");
    CHECK(text_of(*text, Split::validation, 0) == "ab");
    CHECK(text_of(*text, Split::validation, 1) == "cd");
    CHECK(text_of(*text, Split::test, 0) == "fg");
    CHECK(text_of(*text, Split::test, 1) == "hi");
    CHECK_THROWS_WITH(text_of(*text, Split::test, 2), "there is no row 2; the split has 2");

    const auto every = make("text8", {{"file", file}, {"length", "2"}});
    CHECK(every->size(Split::train) == 89);
    CHECK(text_of(*every, Split::train, 1) == "yz");
    CHECK(text_of(*every, Split::train, 88) == "yz");
    CHECK(every->size(Split::test) == 2);
}

TEST_CASE("words that the training text has, and their length") {
    const Folder folder;
    std::string text;
    for (int i = 0; i < 18; ++i) text += "abc de    ";
    text += "f ghi abc jk de x abc";  // for validation and the test
    const auto rows = make("text8", {{"file", folder.write("text", text)}, {"length", "8"}});
    REQUIRE(rows->observables().size() == 2);
    CHECK(rows->observables()[0].name == "known_words");
    const auto observed = [&](const std::string& row) {
        std::vector<std::uint8_t> x(8);
        rows->parse(row, x);
        std::vector<double> values(2);
        rows->observe(x, values);
        return values;
    };
    CHECK(observed(" abc de ") == std::vector<double>{1, 2.5});
    CHECK(observed("c de xy ") == std::vector<double>{0.5, 2});  // the first word is cut off
    CHECK(observed("  jk   x") == std::vector<double>{0, 2});
    CHECK(std::isnan(observed("abcdefgh")[0]));
}

TEST_CASE("the alphabet in order of bytes") {
    const Folder folder;
    std::string alphabet = " abcdefghijklmnopqrstuvwxyz";
    const auto text = make("text8", {{"file", folder.write("text", alphabet + pattern(600))}, {"length", "27"}});
    const auto words = text->vocabulary();
    REQUIRE(words.size() == 27);
    for (std::size_t symbol = 0; symbol < 27; ++symbol) {
        CHECK(words[symbol] == alphabet.substr(symbol, 1));
        CHECK(row_of(*text, Split::train, 0)[symbol] == symbol);
    }
}

TEST_CASE("`bytes` takes the beginning of a file") {
    const Folder folder;
    const std::string file = folder.write("text", pattern(1000) + "!!!");
    const auto text = make("text8", {{"file", file}, {"length", "5"}, {"bytes", "900"}, {"overlap", "false"}});
    CHECK(text->size(Split::train) == 162);
    CHECK(text->size(Split::test) == 9);
    CHECK(text_refusal(pattern(100), "2", "101").starts_with("bytes = 101, but "));
}

TEST_CASE("the file of the cache: the whole, or the beginning where `bytes` is content with it") {
    const Folder cache;
    ::setenv("MARGINALIA_DATA", cache.path().c_str(), 1);
    const energy_plugin::Words beginning = {{"length", "3"}, {"bytes", "90"}};
    CHECK(refusal("text8", {}, cache) ==
          "text8/text8: there is no such file; fetch it with: marginalia data get text8, or set file to where it is");
    const auto write_of_size = [&](const std::string& name, const std::string& text, std::size_t bytes) {
        std::filesystem::resize_file(cache.write(name, text), bytes);  // sparse: what follows is not read
    };
    cache.write("text8/text8_first74000000", pattern(300));
    CHECK(refusal("text8", beginning, cache) ==
          "text8/text8_first74000000: it has 300 bytes and the published file 74000000; remove it "
          "and fetch it with: marginalia data get text8-74m");
    write_of_size("text8/text8_first74000000", pattern(300), 74'000'000);
    CHECK(make("text8", beginning)->size(Split::test) == 1);
    CHECK(refusal("text8", {}, cache) ==
          "text8/text8: there is no such file, only the first 74000000 bytes of it; fetch it with: marginalia data get "
          "text8, or use "
          "those with bytes = 74000000");
    cache.write("text8/text8", pattern(300));
    CHECK(refusal("text8", beginning, cache)
              .starts_with("text8/text8: it has 300 bytes and the published file 100000000; remove it"));
    write_of_size("text8/text8", "zzz" + pattern(300), 100'000'000);
    CHECK(text_of(*make("text8", beginning), Split::train, 0) == "zzz");
    ::unsetenv("MARGINALIA_DATA");
}

TEST_CASE("a byte-order mark and another line end are no characters of the text") {
    const Folder folder;
    const std::string plain = pattern(100);
    const auto right = make("text8", {{"file", folder.write("plain", plain)}, {"length", "5"}});
    for (const std::string& other : {"\xEF\xBB\xBF" + plain, plain + "\n", plain + "\r\n", plain + "\r"}) {
        const auto read = make("text8", {{"file", folder.write("other", other)}, {"length", "5"}});
        REQUIRE(read->size(Split::train) == right->size(Split::train));
        CHECK(text_of(*read, Split::train, 0) == text_of(*right, Split::train, 0));
        CHECK(text_of(*read, Split::test, 0) == text_of(*right, Split::test, 0));
    }
    CHECK(text_refusal("\xFF\xFE" + plain) == "text: this is text in UTF-16; save it as UTF-8");
}

TEST_CASE("what is no such text is refused with its place") {
    CHECK(text_refusal("") == "text: the file is empty; remove it and fetch it with: marginalia data get text8");
    CHECK(
        text_refusal(pattern(70) + "A" + pattern(70)) ==
        "text: byte 70 is 'A'; the alphabet is a to z and the blank: make such a text with marginalia data normalise");
    CHECK(text_refusal(pattern(7) + "\n" + pattern(70)).starts_with("text: byte 7 is a line end; the alphabet"));
    CHECK(
        text_refusal(pattern(7) + "\xC3\xA9" + pattern(70)).starts_with("text: byte 7 is the byte 195; the alphabet"));
    CHECK(text_refusal("`" + pattern(70)).starts_with("text: byte 0 is '`'; the alphabet"));
    CHECK(text_refusal(pattern(99), "5") ==
          "text: the text has 99 characters, and rows of 5 need at least 100, as a twentieth is the test; give a "
          "longer text or a "
          "smaller length");
    CHECK(text_refusal(pattern(100), "5") == "");
}

TEST_CASE("the first 74,000,000 characters of text8, by `data get` into the cache and from there") {
    const std::string from = real_data("text8_first74000000.xz");
    if (from.empty()) return;
    const Folder cache;
    ::setenv("MARGINALIA_DATA", cache.path().c_str(), 1);
    std::ostringstream said;
    marginalia::data::get(marginalia::data::set_named("text8-74m"), from, cache / "text8", said);
    const auto text = timed_make("text8", {{"bytes", "74000000"}});
    ::unsetenv("MARGINALIA_DATA");
    CHECK(text->size(Split::train) == 66'600'000 - 249);
    CHECK(text->size(Split::validation) == 14'800);
    CHECK(text->size(Split::test) == 14'800);
    CHECK(text_of(*text, Split::train, 0).starts_with(" anarchism originated as a term of abuse first used against"));
    const std::string bytes = bytes_of(cache / "text8/text8_first74000000");
    CHECK(text_of(*text, Split::train, 66'600'000 - 250) == bytes.substr(66'600'000 - 250, 250));
    CHECK(text_of(*text, Split::validation, 0) == bytes.substr(66'600'000, 250));
    CHECK(text_of(*text, Split::test, 14'799) == bytes.substr(74'000'000 - 250, 250));
}

}  // namespace datasets_text8
