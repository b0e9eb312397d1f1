// The dataset `table` on the files that pandas, numpy, R and spreadsheets write, and on those that can be misread.
#include <doctest/doctest.h>

#include "tests/sdk/files_testing.h"

namespace table_files {

using namespace files_testing;

namespace {

// Five rows of 0 and 1, of three sites.
const char* const rows = "1,1,0\n0,0,1\n1,1,1\n0,1,0\n1,0,0\n";
const std::vector<std::vector<int>> right = {{1, 1, 0}, {0, 0, 1}, {1, 1, 1}, {0, 1, 0}, {1, 0, 0}};

std::unique_ptr<Dataset> read(const std::string& text, const std::string& name = "rows.csv",
                              const std::string& header = "auto") {
    return table({"file=" + written(name, text), "validation=0", "test=0", "shuffle=false", "header=" + header});
}

std::vector<std::vector<int>> rows_of(const Dataset& dataset) {
    std::vector<std::vector<int>> all;
    for (std::size_t i = 0; i < dataset.size(Split::train); ++i) all.push_back(row_of(dataset, Split::train, i));
    return all;
}

void check_right(const std::string& text, const std::string& name = "rows.csv", const std::string& header = "auto") {
    CAPTURE(text);
    const auto dataset = read(text, name, header);
    CHECK(rows_of(*dataset) == right);
    CHECK(dataset->categories() == 2);
}

std::string refused(const std::string& text, const std::string& header = "auto") {
    return failure([&] { read(text, "rows.csv", header); });
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
    for (std::size_t at = 0; (at = text.find(from, at)) != text.npos; at += to.size())
        text.replace(at, from.size(), to);
    return text;
}

}  // namespace

TEST_CASE("the same rows in many clothes") {
    const std::string plain = rows;
    check_right(plain);
    for (const char* end : {"\r\n", "\r", "\n\n", " \n", "\t\n"}) check_right(replaced(plain, "\n", end));
    for (const char* divider : {";", "\t", " ", "  ", " , ", " ;", ", "}) check_right(replaced(plain, ",", divider));
    check_right(plain.substr(0, plain.size() - 1));
    check_right("\xEF\xBB\xBF" + plain);
    check_right("\n\n" + plain + "\n\n\n");
    check_right("# made by hand\n" + plain);
    check_right(replaced(replaced(plain, "0", "0.0"), "1", "1.0"));
    check_right(replaced(replaced(replaced(plain, "0", "0.0e+0"), "1", "x"), "x",
                         "1.000000000000000000e+00"));                  // numpy.savetxt
    check_right(replaced(replaced(plain, "1", "True"), "0", "False"));  // pandas of booleans
    check_right("\"a\",\"b\",\"c\"\n" + replaced(replaced(plain, "1", "\"1\""), "0", "\"0\""));
    check_right(plain, "ROWS.CSV");
    check_right(gzipped(plain), "rows.csv.gz");
}

TEST_CASE("headers are recognised, or refused") {
    for (const char* header : {"a,b,c\n", "\xC3\xA9t\xC3\xA9,\xCE\xB2,\xE4\xB8\xAD\n", "a b,\"c, d\",e\n", "# a b c\n",
                               "_1,-,x1\n", "0,1,2\n", "1,2,3\n", "0.0,1.0,2.0\n", "\"0\",\"1\",\"0\"\n"})
        check_right(std::string(header) + rows);
    CHECK(read(std::string("0,1,2\n") + rows)->report() == "the first line, '0,1,2', was taken for a header");
    CHECK(read(std::string("a,b,c\n") + rows)->report() == "the first line, 'a,b,c', was taken for a header");
    CHECK(read(rows)->report() == "");
    // 784 names, most of which are no symbols.
    std::string names, row;
    for (int i = 0; i < 784; ++i) names += (i ? "," : "") + std::to_string(i), row += i ? ",1" : "0";
    CHECK(read(names + "\n" + row + "\n" + row + "\n")->sites() == 784);
    CHECK(read(names + "\n" + row + "\n" + row + "\n")->size(Split::train) == 2);
    // Four symbols, and a first line that may be either.
    const std::string either = "0,1,2\n3,3,0\n1,2,3\n";
    CHECK(refused(either) ==
          "rows.csv:1: the first line, '0,1,2', may be a row, or a header of numbers as pandas writes it; set header = "
          "\"yes\" or header = \"no\"");
    CHECK(read(either, "rows.csv", "yes")->size(Split::train) == 2);
    CHECK(read(either, "rows.csv", "no")->size(Split::train) == 3);
    CHECK(refused("3,7,12\n1,1,0\n0,1,1\n")
              .starts_with("rows.csv:1: the first line, '3,7,12', may be a row, or a header"));
    CHECK(refused("0,1\n1,1\n0,0\n").starts_with("rows.csv:1: the first line, '0,1', may be a row, or a header"));
    CHECK(read("0,1\n1,1\n0,0\n", "rows.csv", "no")->size(Split::train) == 3);
    CHECK(refused("0,1,2\n").starts_with("rows.csv:1: the first line, '0,1,2', may be a row, or a header"));
    check_right(rows, "rows.csv", "no");
    CHECK(read(rows, "rows.csv", "yes")->size(Split::train) == 4);
    CHECK(refused("a,1,0\n1,1,0\n").starts_with("rows.csv:1: cell 1, 'a', is not a symbol"));
    CHECK(refused("a,b,c\n1,1,0\n", "no").starts_with("rows.csv:1: cell 1, 'a', is not a symbol"));
}

TEST_CASE("what can be misread is refused with its line") {
    CHECK(refused("1,1,0\n1,,0\n") ==
          "rows.csv:2: cell 2 is empty; give every cell a symbol, and take a divider at the line's end away");
    CHECK(refused("1,1,0,\n1,1,0,\n").starts_with("rows.csv:1: cell 4 is empty"));
    CHECK(refused("1,1,0\n,,\n").starts_with("rows.csv:2: cell 1 is empty"));
    CHECK(refused("1\t1\t0\n\t\t\n").starts_with("rows.csv:2: cell 1 is empty"));
    CHECK(refused("1\t1\t0\n1\t\t0\n").starts_with("rows.csv:2: cell 2 is empty"));
    CHECK(refused("1,1,0\n1,0\n") ==
          "rows.csv:2: this row has 2 numbers and the first line 3; give every row the same");
    CHECK(refused("a,b\n1,1,0\n") ==
          "rows.csv:2: this row has 3 numbers and the first line 2; give every row the same");
    CHECK(refused("1,1,0\xE2\x80\xA8"
                  "0,0,1\n")
              .starts_with("rows.csv:1: cell 3, '0U+20280', is not a symbol"));
    CHECK(refused("1,1,0\n1 0,1,0\n").starts_with("rows.csv:2: cell 1, '1 0', is not a symbol"));
    CHECK(refused("1;1,0\n0;1,0\n").starts_with("rows.csv:1: cell 2, '1,0', is not a symbol"));
    for (const char* cell : {"NA", "nan", "0.5", "1e400", "-1", "255", "0x1", "1_0", "\xEF\xBC\x91"})
        CHECK(refused(std::string("1,1,0\n0,") + cell + ",1\n").starts_with("rows.csv:2: cell 2, '"));
    CHECK(refused("1\n0\n\n1\n") == "rows.csv:3: this line is empty; a cell is missing, or the line is one too many");
    CHECK(refused("1,1,0\n\"1,1,0\n").starts_with("rows.csv:2: the quote of cell 1 is not closed on its line"));
    CHECK(refused("1,1,0\n\"1\"0,1,0\n").starts_with("rows.csv:2: something follows the quotes of cell 1"));
    CHECK(refused(std::string("1,1\0,0\n", 8)).starts_with("rows.csv:1: there is a zero byte"));
    CHECK(refused("") == "rows.csv: there are no rows in this file");
    CHECK(refused("1,1,0\n", "yes") == "rows.csv: there are no rows in this file");
}

TEST_CASE("row numbers that pandas and R write are no column") {
    CHECK(refused(",0,1\n0,1,1\n1,0,1\n") ==
          "rows.csv:1: the first column has no name, as the row numbers have that pandas writes; save the "
          "rows without them: to_csv(..., index=False)");
    std::string counted;
    for (int i = 0; i < 12; ++i) counted += std::to_string(i) + ",1,0\n";
    CHECK(refused(counted).starts_with("rows.csv: the first column counts the rows from 0, as row numbers do"));
    CHECK(refused("\"a\",\"b\"\n\"1\",1,0\n\"2\",0,1\n") ==
          "rows.csv:2: this row has 3 numbers and the first line 2; give every row the same");
}

TEST_CASE("arrays by their bytes, whatever the file is called") {
    const std::string array = saved_array<std::uint16_t>(">u2", "(2, 3)", {0x0100, 0, 0x0100, 0x0100, 0, 0}, "True");
    // In Fortran order: columns (1, 0), (1, 1), (0, 0).
    const std::vector<std::vector<int>> two = {{1, 1, 0}, {0, 1, 0}};
    for (const char* name : {"rows.npy", "ROWS.NPY", "rows.csv"}) CHECK(rows_of(*read(array, name)) == two);
    CHECK(rows_of(*read(gzipped(array), "rows.npy.gz")) == two);
    CHECK(rows_of(*read(zipped({{"arr_0.npy", array}}, true), "rows.npz")) == two);
    CHECK(failure([] { read("1,0\n", "rows.NPY"); }) == "rows.NPY: not a .npy file; save the array with numpy.save");
    CHECK(failure([] { read(saved_array<std::uint8_t>("|u1", "(1, 2)", {0, 255}), "rows.npy"); }) ==
          "rows.npy: element 1 is 255; symbols are whole numbers from 0 to 254");
}

TEST_CASE("the cases from the field, where they are") {
    const std::string folder = std::string(MARGINALIA_SOURCE_DIR) + "/../shared/cases/";
    if (!std::filesystem::exists(folder)) {
        MESSAGE("skipped: there is no " << folder);
        return;
    }
    for (const char* name : {"numeric_header.csv", "savetxt.csv", "quoted.csv", "hash_header.csv", "n_fortran.npy",
                             "n_big.npy", "n_f16.npy"}) {
        CAPTURE(name);
        const auto dataset = table({"file=" + folder + name, "validation=0", "test=0", "shuffle=false"});
        CHECK(dataset->size(Split::train) == 40);
        CHECK(dataset->sites() == 6);
        CHECK(dataset->categories() == 2);
        const bool array = std::string(name).ends_with(".npy");
        CHECK(row_of(*dataset, Split::train, 0) ==
              (array ? std::vector<int>{1, 1, 0, 0, 1, 1} : std::vector<int>{1, 1, 0, 1, 0, 0}));
    }
}

}  // namespace table_files
