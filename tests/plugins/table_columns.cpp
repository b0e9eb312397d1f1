// The dataset `table` on columns of real numbers and words, whose cells may be missing.
#include <doctest/doctest.h>

#include <cmath>

#include "tests/sdk/files_testing.h"

namespace table_columns {

using namespace files_testing;
using marginalia::Site;

namespace {

std::unique_ptr<Dataset> read(const std::string& text, const std::string& columns = "auto",
                              const std::string& header = "auto") {
    return table({"file=" + written("columns.csv", text), "validation=0", "test=0", "shuffle=false",
                  "columns=" + columns, "header=" + header});
}

std::string refused(const std::string& text, const std::string& columns = "auto") {
    return failure([&] { read(text, columns); });
}

const std::string people =
    "age,height,colour,smoker\n"
    "31,1.5,red,0\n"
    "42,2.5,blue,1\n"
    "?,3.5,,0\n"
    "NA,,nan,NaN\n"
    "19,4.5,red,\n";

}  // namespace

TEST_CASE("columns are real or of words by what they hold") {
    const auto dataset = read(people, "age=real");
    const std::vector<Site> sites = dataset->site_list();
    REQUIRE(sites.size() == 4);
    CHECK(dataset->categories() == 2);
    CHECK(sites[0].is_real());
    CHECK(sites[1].is_real());
    CHECK(sites[1].name == "height");
    CHECK(sites[2].words == std::vector<std::string>{"blue", "red"});
    CHECK(sites[3].words == std::vector<std::string>{"0", "1"});
    CHECK(
        dataset->report() ==
        "2 columns of real numbers, 2 of words; 18.8 % of the cells are missing, and 1 rows without any cell were left "
        "out");
}

TEST_CASE("real columns are less their mean, by their deviation, over the cells that are there") {
    const auto dataset = read(people, "age=real");
    const std::vector<Site> sites = dataset->site_list();
    CHECK(sites[1].centre == doctest::Approx(3));
    CHECK(sites[1].scale == doctest::Approx(std::sqrt(1.25)));
    CHECK(dataset->incomplete());
    std::vector<double> numbers(4);
    dataset->reals(Split::train, 0, numbers);
    CHECK(numbers[1] == doctest::Approx(-1.5 / std::sqrt(1.25)));
    CHECK(row_of(*dataset, Split::train, 0) == std::vector<int>{0, 0, 1, 0});
    CHECK(row_of(*dataset, Split::train, 2) == std::vector<int>{2, 0, 2, 0});
    CHECK_FALSE(read("1.5,a\n2.5,b\n")->incomplete());
}

TEST_CASE("a column of one number has the scale 1") {
    const std::vector<Site> sites = read("x,y\n1.5,a\n1.5,b\n")->site_list();
    CHECK(sites[0].centre == 1.5);
    CHECK(sites[0].scale == 1);
}

TEST_CASE("few whole numbers are words, many are numbers, unless columns says otherwise") {
    std::string text = "few,many\n";
    for (int i = 0; i < 30; ++i) text += std::to_string(i % 3 * 10) + "," + std::to_string(i) + "\n";
    CHECK(read(text)->site_list()[0].words == std::vector<std::string>{"0", "10", "20"});
    CHECK(read(text)->site_list()[1].is_real());
    CHECK(read(text, "few=real")->site_list()[0].is_real());
    CHECK(read(text, "many=words")->site_list()[1].categories == 30);
    CHECK(read(text, "many = out")->sites() == 1);
}

TEST_CASE("a table without a header has columns by number") {
    const auto dataset = read("1.5,a\n2.5,b\n");
    CHECK(dataset->size(Split::train) == 2);
    CHECK(dataset->site_list()[1].name == "2");
}

TEST_CASE("what is no such table is refused") {
    CHECK(refused("a,b\n1.5,x\n2.5\n") ==
          "columns.csv:3: this row has 1 cells and the first line 2; give every row "
          "the same");
    CHECK(refused("a,b\n") == "columns.csv: there are no rows in this file");
    CHECK(refused("a,b\n1.5,x\n", "c=real") ==
          "columns.csv: columns names 'c', which is none of its columns; they are a, b");
    CHECK(refused("a,b\n1.5,x\n", "b=number") ==
          "columns: 'b=number' is not NAME=KIND with real, words or out; give for example \"age=real, id=out\", or "
          "\"auto\"");
    CHECK(
        refused("a,b\n1.5,x\n2.5,y\n", "b=real") ==
        "columns.csv: column 'b' is to be real, and line 2 has 'x' there, which is not a number; leave the cell empty "
        "where it is missing, or give the column the kind words");
    CHECK(refused("a\n1.5\n", "a=out") == "columns.csv: all columns are left out; leave one in");
    CHECK(refused(",b\n0,x\n").starts_with("columns.csv: a column has no name, as the row numbers have that pandas"));
    std::string many = "id,b\n";
    for (int i = 0; i < 300; ++i) many += "word" + std::to_string(i) + ",1.5\n";
    CHECK(refused(many) ==
          "columns.csv: column 'id' has more than 255 different words, such as 'word0'; leave it out: "
          "columns = \"id=out\"");
}

}  // namespace table_columns
