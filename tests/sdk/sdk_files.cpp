// The SDK's helpers for files and states, and the dataset `table` that stands on them.
#include <doctest/doctest.h>
#include <marginalia/dataset.h>
#include <marginalia/lists.h>
#include <marginalia/npy.h>
#include <marginalia/text_reader.h>

#include <set>

#include "tests/sdk/files_testing.h"

using namespace files_testing;
using namespace marginalia;

TEST_CASE("numbers and words of a text file, with their places") {
    TextReader reader(written("good.txt", "3 words\n -4\t+2.5e1\n"), "");
    CHECK(reader.integer("a count") == 3);
    CHECK_FALSE(reader.at_new_line());
    CHECK(reader.word("a word") == "words");
    CHECK_FALSE(reader.at_end());
    CHECK(reader.at_new_line());
    CHECK(reader.integer("a number") == -4);
    CHECK(reader.number("a number") == 25);
    CHECK(reader.at_end());
    reader.end();

    TextReader commented(written("comment.txt", "# a graph\n3 # vertices\n4#\n#"), "", '#');
    CHECK(commented.integer("n") == 3);
    CHECK(commented.at_new_line());
    CHECK(commented.integer("n") == 4);
    CHECK(commented.at_end());

    const std::string path = written("bad.txt", "7 x\n1.5 9");
    CHECK(failure([&] {
              TextReader r(path);
              r.integer("n", 0, 5);
          }) == "bad.txt:1:1: n is 7; it must be from 0 to 5");
    CHECK(failure([&] {
              TextReader r(path);
              r.integer("n", 8);
          }) == "bad.txt:1:1: n is 7; it must be at least 8");
    CHECK(failure([&] {
              TextReader r(path);
              r.word("a"), r.number("a weight");
          }) == "bad.txt:1:3: a weight should be a finite number, not 'x'");
    CHECK(failure([&] {
              TextReader r(path);
              r.word("a"), r.word("b"), r.integer("c");
          }) == "bad.txt:2:1: c should be a whole number, not '1.5'");
    CHECK(failure([&] {
              TextReader r(path);
              r.word("a"), r.word("b"), r.word("c"), r.end();
          }) == "bad.txt:2:5: '9' is left over; the file should end before it");
    CHECK(failure([&] {
              TextReader r(path);
              for (int i = 0; i < 5; ++i) r.word("the fifth word");
          }) == "bad.txt:2:6: the file ends where the fifth word should be");
    CHECK(failure([] { TextReader r("nowhere.txt"); }) ==
          "nowhere.txt: cannot be read: No such file or directory; give the path of a readable file");
    for (const char* table : {"1,,0\n", ",1,0\n", "1,0,\n", "1,0,", "1, ,0\n", "1,0\n,\n"}) {
        CAPTURE(table);
        CHECK(failure([&] {
                  TextReader r(written("cells.txt", table), ",");
                  while (!r.at_end()) r.integer("a symbol");
              }).find(": a value is missing ") != std::string::npos);
    }
    TextReader cells(written("cells.txt", "1, 0 ,2\n3,4 5\n\n"), ",");
    for (std::int64_t i : {1, 0, 2, 3, 4, 5}) CHECK(cells.integer("a symbol") == i);
    CHECK(cells.at_end());
    TextReader extremes(written("extremes.txt",
                                "\xEF\xBB\xBF"
                                "1e-400 -1e-400"));
    CHECK(extremes.number("w") == 0);
    CHECK(extremes.number("w") == 0);
    CHECK(failure([&] {
              TextReader r(written("huge.txt", "99999999999999999999 1e999"));
              r.word("a"), r.number("w");
          }) == "huge.txt:1:22: w should be a finite number, not '1e999'");
}

TEST_CASE("arrays of numpy.save") {
    const auto small =
        read_npy<int>(written("i8.npy", saved_array<std::int64_t>("<i8", "(2, 3)", {1, -2, 3, 4, 5, 6})));
    CHECK(small.shape == std::vector<std::int64_t>{2, 3});
    CHECK(small.values == std::vector<int>{1, -2, 3, 4, 5, 6});
    CHECK(read_npy<double>(written("f4.npy", saved_array<float>("<f4", "(2,)", {0.5f, -1}))).values ==
          std::vector<double>{0.5, -1});
    CHECK(read_npy<double>(written("scalar.npy", saved_array<double>("<f8", "()", {2}))).values ==
          std::vector<double>{2});
    CHECK(read_npy<std::uint8_t>(written("bool.npy", saved_array<char>("|b1", "(2,)", {0, 1}))).values ==
          std::vector<std::uint8_t>{0, 1});

    CHECK(failure([] {
              read_npy<std::uint8_t>(written("minus.npy", saved_array<std::int64_t>("<i8", "(2,)", {1, -1})));
          }) == "minus.npy: element 1 is -1; it must be a whole number from 0 to 255");
    CHECK(failure([] { read_npy<std::uint8_t>(written("half.npy", saved_array<double>("<f8", "(1,)", {0.5}))); }) ==
          "half.npy: element 0 is 0.5; it must be a whole number from 0 to 255");
    CHECK(failure([] { read_npy<int>(written("text.npy", "hello")); }) ==
          "text.npy: not a .npy file; save the array with numpy.save");
    CHECK(failure([] { read_npy<int>(written("cut.npy", saved_array<int>("<i4", "(3,)", {1, 2}))); }) ==
          "cut.npy: the file has 8 bytes of data where its header says 3 elements of type '<i4'; save the array again "
          "with numpy.save");
    CHECK(read_npy<int>(written("order.npy", saved_array<int>("<i4", "(2, 3)", {1, 4, 2, 5, 3, 6}, "True"))).values ==
          std::vector<int>{1, 2, 3, 4, 5, 6});
    CHECK(failure([] { read_npy<int>(written("complex.npy", saved_array<double>("<c8", "(1,)", {1}))); }) ==
          "complex.npy: elements of type '<c8' are not read; save integers or floats, as array.astype('uint8')");
    CHECK(
        failure([] {
            read_npy<int>(written("big.npy", saved_array<std::int64_t>("<i8", "(4611686018427387904, 4)", {})));
        }) ==
        "big.npy: the shape (4611686018427387904, 4) in its header is too large; save the array again with numpy.save");
    // Whatever is done to the header, the reader answers or refuses.
    const std::string good = saved_array<int>("<i4", "(2,)", {1, 2});
    for (std::size_t at = 0; at < good.size(); ++at)
        for (const char byte : {'\0', '(', '9', '\'', '\xff'}) {
            std::string bytes = good;
            bytes[at] = byte;
            try {
                read_npy<int>(written("mutated.npy", bytes));
            } catch (const Error&) {
            }
        }
}

TEST_CASE("states as text and back") {
    const std::vector<std::string> words = {"A", "BB", "B"};
    std::vector<std::uint8_t> out(3);
    parse_state("BBAB", 3, words, out);
    CHECK(out == std::vector<std::uint8_t>{1, 0, 2});
    CHECK(state_text(out, 3, words) == "BB,A,B");
    parse_state("□,_ 1", 2, {}, out);
    CHECK(out == std::vector<std::uint8_t>{2, 2, 1});
    CHECK(state_text(out, 2) == "□□1");
    parse_state("11,_,0", 12, {}, out);
    CHECK(state_text(out, 12) == "11,□,0");
    const std::vector<std::string> dotted = {"a", "."};
    for (const char* rest : {"a…", "a...", "a □..."}) {
        parse_state(rest, 2, dotted, out);
        CHECK(out == std::vector<std::uint8_t>{0, 2, 2});
    }
    parse_state("a.....", 2, dotted, out);
    CHECK(out == std::vector<std::uint8_t>{0, 1, 1});
    const auto refused = [&](const char* line) { return failure([&] { parse_state(line, 2, {}, out); }); };
    CHECK(refused("0…1") == "symbol 2 is '…'; it must be 0 to 1, or □ or _ (unknown)");
    CHECK(refused("0101…") == "symbol 5 is '…'; it must be 0 to 1, or □ or _ (unknown)");
    CHECK(refused("012") == "symbol 3 is '2'; it must be 0 to 1, or □ or _ (unknown)");
    CHECK(refused("0→1") == "symbol 2 is '→'; it must be 0 to 1, or □ or _ (unknown)");
    CHECK(refused("01") == "it has 2 symbols where a state has 3 sites");
    CHECK(refused("0101") == "it has 4 symbols where a state has 3 sites");
    CHECK(refused("") == "it has 0 symbols where a state has 3 sites");
    for (const char* same : {"0 1 1 ", "0,1,1", "0, 1, 1", "0\t1\t1", " 0 ,1 ,1\t", "011 "}) {
        parse_state(same, 2, {}, out);
        CHECK(out == std::vector<std::uint8_t>{0, 1, 1});
    }
    parse_state("0,... \t", 2, {}, out);
    CHECK(out == std::vector<std::uint8_t>{0, 2, 2});
    CHECK(refused("0,,1,1").starts_with("before the comma that follows symbol 1 no symbol stands"));
    CHECK(refused(",0,1,1").starts_with("before the comma that follows symbol 0 no symbol stands"));
    CHECK(refused("0,1,1,") == "nothing follows the last comma; write □ or _ for an unknown symbol");
    CHECK(refused("0\u00A011").starts_with("symbol 2 is U+00A0 (a no-break space); it must be"));
    CHECK(refused("01１").starts_with("symbol 3 is '１' (U+FF11, a wide character); it must be"));
    CHECK(refused("0/11").starts_with("symbol 2 is '/'; it must be"));  // no rows to divide
    CHECK(refused("-11").starts_with("symbol 1 is '-'; it must be"));
}

TEST_CASE("'/' divides whole rows") {
    std::vector<std::uint8_t> out(6);
    const auto refused = [&](const char* line) {
        return failure([&] { parse_state(line, 12, {}, out, {{2, 3}, false}); });
    };
    for (const char* same : {"0 1 2/3 4 11", "0,1,2/3,4,11", "0,1,2,3,4,11", "0 1 2 / 3 4 11", "0 1 2/3 4 11/"}) {
        CAPTURE(same);
        parse_state(same, 12, {}, out, {{2, 3}, false});
        CHECK(out == std::vector<std::uint8_t>{0, 1, 2, 3, 4, 11});
    }
    parse_state("0,1,2/…", 12, {}, out, {{2, 3}, false});
    CHECK(out == std::vector<std::uint8_t>{0, 1, 2, 12, 12, 12});
    CHECK(refused("0 1/2 3/4 5") ==
          "a row, which ends with symbol 2, has 2 symbols and not 3; divide rows of 3 by '/', or none");
    CHECK(refused("0 1 2/3 4/5").starts_with("a row, which ends with symbol 5, has 2 symbols and not 3"));
    CHECK(refused("0 1 2 3 4 5/").starts_with("a row, which ends with symbol 6, has 6 symbols and not 3"));
    CHECK(refused("0 1 2/3 4 5//") == "behind symbol 6 stand more '/' than divide its rows");
    CHECK(refused("0 1 2//3 4 5") == "behind symbol 3 stand more '/' than divide its rows");
    std::vector<std::uint8_t> box(8);
    parse_state("01/10//11/00", 2, {}, box, {{2, 2, 2}, false});
    CHECK(box == std::vector<std::uint8_t>{0, 1, 1, 0, 1, 1, 0, 0});
    CHECK(failure([&] { parse_state("01//10/11/00", 2, {}, box, {{2, 2, 2}, false}); }) ==
          "the '//' behind symbol 2 stands within a layer");
}

TEST_CASE("lists of whole numbers are read whole or not at all") {
    CHECK(*whole_numbers("28,28", 1, 99) == std::vector<std::int64_t>{28, 28});
    CHECK(*whole_numbers(" 28\t, 28 ", 1, 99) == std::vector<std::int64_t>{28, 28});
    CHECK(*whole_numbers("-3", -5, 99) == std::vector<std::int64_t>{-3});
    for (const char* wrong : {"",
                              " ",
                              ",",
                              "1,",
                              ",1",
                              "1,,2",
                              "1 2",
                              "1;2",
                              "+1",
                              "1.0",
                              "1e2",
                              "0x10",
                              "100",
                              "0",
                              "-1",
                              "１",
                              "1\u00A0",
                              "−1",
                              "99999999999999999999",
                              "1-2",
                              "1 ,x"}) {
        CAPTURE(std::string(wrong));
        CHECK_FALSE(whole_numbers(wrong, 1, 99));
    }
}

TEST_CASE("characters as messages name them") {
    CHECK(quoted_character("ab") == "'a'");
    CHECK(quoted_character("é") == "'é'");
    CHECK(quoted_character("") == "its end");
    CHECK(quoted_character("\t") == "U+0009 (a tab)");
    CHECK(quoted_character("\x1B[31m") == "U+001B (a control character)");
    CHECK(quoted_character("\u00A0") == "U+00A0 (a no-break space)");
    CHECK(quoted_character("\uFEFFx") == "U+FEFF (a byte order mark)");
    CHECK(quoted_character("−") == "'−' (U+2212, a minus sign)");
    for (const char* broken : {"\xFF", "\xC0\x80", "\xE2\x82", "\xED\xA0\x80", "\xF8\x88\x80\x80", "\x80"}) {
        char expected[32];
        std::snprintf(expected, sizeof expected, "the byte 0x%02X", static_cast<unsigned char>(*broken));
        CHECK(quoted_character(broken) == expected);
    }
}

TEST_CASE("the dataset table: splits, layout, sources") {
    std::string csv = "first,second\n";
    for (int i = 0; i < 20; ++i) csv += std::to_string(i % 10) + "," + std::to_string(i / 10) + "\n";
    const std::string path = written("rows.csv", csv);
    const auto rows = table({"file=" + path, "validation=0.25", "test=0.1"});
    CHECK(rows->sites() == 2);
    CHECK(rows->categories() == 10);
    REQUIRE(rows->size(Split::train) == 13);
    REQUIRE(rows->size(Split::validation) == 5);
    REQUIRE(rows->size(Split::test) == 2);
    std::multiset<std::vector<int>> all;
    for (const Split split : {Split::train, Split::validation, Split::test})
        for (std::size_t i = 0; i < rows->size(split); ++i) all.insert(row_of(*rows, split, i));
    CHECK(all.size() == 20);
    CHECK(std::set(all.begin(), all.end()).size() == 20);  // every row of the file once
    CHECK(failure([&] { row_of(*rows, Split::test, 2); }) == "there is no row 2; the split has 2");

    const auto in_order = table({"file=" + path, "shuffle=false", "categories=12"});
    CHECK(in_order->categories() == 12);
    CHECK(row_of(*in_order, Split::train, 0) == std::vector<int>{0, 0});
    CHECK(row_of(*in_order, Split::test, 1) == std::vector<int>{9, 1});

    const std::string array =
        written("pictures.npy", saved_array<std::uint8_t>("|u1", "(2, 2, 3)", {0, 1, 0, 1, 1, 0, 1, 1, 1, 0, 0, 0}));
    const auto pictures = table({"file=" + array, "validation=0", "test=0", "test_file=" + array, "shuffle=false"});
    CHECK(pictures->layout().shape == std::vector<std::int64_t>{2, 3});
    CHECK(pictures->size(Split::train) == 2);
    CHECK(pictures->size(Split::test) == 2);
    CHECK(row_of(*pictures, Split::test, 1) == std::vector<int>{1, 1, 1, 0, 0, 0});
}

TEST_CASE("the dataset table: the shape of rows in a .csv file") {
    const std::string path = written("pictures.csv", "0,1,1,0,0,1\n1,1,1,0,0,0\n");
    const auto pictures = table({"file=" + path, "validation=0", "test=0", "shape=\"2,3\"", "shuffle=false"});
    CHECK(pictures->layout().shape == std::vector<std::int64_t>{2, 3});
    CHECK(row_of(*pictures, Split::train, 1) == std::vector<int>{1, 1, 1, 0, 0, 0});
    const auto refused = [&](const std::string& shape) {
        return failure([&] { table({"file=" + path, "shape=\"" + shape + "\""}); });
    };
    CHECK(refused("28,28") ==
          "pictures.csv: a row has 6 symbols, and shape = \"28,28\" is of 784; give the sides of a row");
    for (const char* wrong : {"2x3", "2,", ",6", "6,0", "-2,-3", "2,,3", "99999999999999999999"})
        CHECK(refused(wrong) ==
              "shape = \"" + std::string(wrong) + "\" is not a list of sides; give for example \"28,28\"");
    // 2^64 + 6 sites, were they counted in 64 bits.
    CHECK(refused("1000000,1000000,1000000,1000000,1000000").find("has more than 1000000 sites") != std::string::npos);
}

TEST_CASE("the dataset table: what does not fit is refused with its place") {
    const auto refused = [](const std::string& text, std::vector<std::string> words = {}) {
        words.push_back("file=" + written("refused.csv", text));
        return failure([&] { table(words); });
    };
    CHECK(refused("0,1\n0,x\n") ==
          "refused.csv:2: cell 2, 'x', is not a symbol; symbols are whole numbers from 0 to 254");
    CHECK(refused("0,1\n0,255\n") ==
          "refused.csv:2: cell 2, '255', is not a symbol; symbols are whole numbers from 0 to 254");
    CHECK(refused("0,1\n0,1,1\n") ==
          "refused.csv:2: this row has 3 numbers and the first line 2; give every row the same");
    CHECK(
        refused("-1,0\n0,1\n") ==
        "refused.csv:1: cell 1, '-1', is not a symbol; symbols are whole numbers from 0 to 254, and a header is a line "
        "of names (or set "
        "header = \"yes\")");
    CHECK(refused("a,b\n") == "refused.csv: there are no rows in this file");
    CHECK(refused("0 0\n1 2\n", {"categories=2"}) ==
          "categories = 2, but the rows hold the symbol 2; give at least 3, or 0");
    CHECK(refused("0 0\n1 2\n", {"validation=0.5", "test=0.5"}) ==
          "validation and test leave no row of 2 for training; lower validation or test");
    CHECK(failure([] { table({"file=" + written("flat.npy", saved_array<int>("<i4", "(2,)", {1, 2}))}); }) ==
          "flat.npy: the array has 1 axes and 2 elements; give rows of sites, shape (N, D) or (N, rows, columns)");
}
