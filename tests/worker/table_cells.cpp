// Rows of tables as people write and read them.
#include <doctest/doctest.h>

#include <cmath>
#include <fstream>
#include <sstream>

#include "kernel/worker/states/table_rows.h"

namespace table_cells {

using namespace marginalia;

namespace {

const TableCells cells({{0, "height", {}, 150, 10}, {2, "smoker", {"no", "yes, often"}}, {3, "", {}}});

std::vector<double> parsed(const std::string& line) {
    std::vector<double> row(3);
    cells.parse(line, row);
    return row;
}

std::string refused(const std::string& line) {
    try {
        parsed(line);
    } catch (const Error& error) {
        return error.what();
    }
    return "";
}

std::string written(StateFormat format, bool completes, std::size_t columns = 80) {
    std::stringstream out;
    OutputRequest output;
    output.format = format;
    output.terminal.columns = columns;
    const auto writer = make_table_writer(output, cells, completes, out);
    if (completes) writer->given(std::vector<double>{151.25, TableCells::unknown, TableCells::unknown});
    writer->row(std::vector<double>{151.25, 1, 2}, 0.5);
    writer->finish();
    return std::move(out).str();
}

}  // namespace

TEST_CASE("a line of all cells, or of some by name") {
    const std::vector<double> whole = parsed("151.25, \"yes, often\",2");
    CHECK(whole == std::vector<double>{151.25, 1, 2});
    CHECK(cells.line(whole) == "151.25,\"yes, often\",2");
    CHECK(parsed(cells.line(whole)) == whole);
    const std::vector<double> named = parsed("smoker = no");
    CHECK(named[1] == 0);
    CHECK(std::isnan(named[0]));
    for (const char* mark : {"", "?", "_", "□", "NA", "nan"}) CHECK(std::isnan(parsed(mark + std::string(",no,1"))[0]));
    CHECK(cells.header() == "height,smoker,3");
}

TEST_CASE("one cell of a row may be an interval or a set of words") {
    std::vector<double> row(3);
    const auto set = [&](const std::string& line) { return cells.parse_with_set(line, row); };
    CHECK(set("150..160,no,1")->low == 150);
    CHECK(set("150..160,no,1")->high == 160);
    CHECK(std::isnan(row[0]));
    CHECK(row[1] == 0);
    CHECK(set("height=..160")->low == -HUGE_VAL);
    CHECK(set("height=150..")->high == HUGE_VAL);
    CHECK(set("3 = 2|0")->symbols == std::vector<std::int64_t>{0, 2});
    CHECK_FALSE(set("150,no,1"));
    CHECK(cells.line(row, set("3=0|2")) == ",,0|2");
    CHECK_THROWS_WITH_AS(set("height=..160, 3=0|1"),
                         "columns 'height' and '3' both have a set; ask about one at a time", Error);
    CHECK_THROWS_WITH_AS(set("height=160..150"),
                         "column 'height': 160..150 has no numbers in it; give the lower end first", Error);
    CHECK(refused("height=150..160") == "column 'height' holds numbers, and '150..160' is none");
}

TEST_CASE("what a column cannot hold is refused by its name") {
    CHECK(refused("1,no") == "it has 2 cells where a row has 3; give all, separated by commas, or some as name=value");
    CHECK(refused("tall,no,1") == "column 'height' holds numbers, and 'tall' is none");
    CHECK(refused("1,maybe,1") == "column 'smoker' never holds 'maybe'; it holds no, yes, often");
    CHECK(refused("1,no,3") == "column '3' never holds '3'; it holds 0 to 2");
    CHECK(refused("weight=3") == "there is no column 'weight'; the columns are height,smoker,3");
    CHECK(refused("height=3,no") == "'no' has no '=', as other cells have; give each as name=value");
}

TEST_CASE("rows are written as CSV, JSON and for a screen") {
    CHECK(written(StateFormat::csv, false) == "height,smoker,3\n151.25,\"yes, often\",2\n");
    CHECK(written(StateFormat::json, true) ==
          "{\"given\": {\"height\": 151.25}, \"row\": {\"height\": 151.25, \"smoker\": \"yes, often\", \"3\": 2}, "
          "\"log_p\": 0.5}\n");
    CHECK(written(StateFormat::screen, true) ==
          "                  height     smoker          3\n\n"
          "        given     151.25          □          □\n"
          "   log p 0.50     151.25  yes, often          2\n");
    CHECK(written(StateFormat::screen, true, 40) ==
          "                given     log p 0.50\n"
          "height         151.25         151.25\n"
          "smoker              □     yes, often\n"
          "3                   □              2\n");
    CHECK(written(StateFormat::screen, false, 20) ==
          "                row 1\n"
          "height         151.25\n"
          "smoker     yes, often\n"
          "3                   2\n");
    CHECK_THROWS_WITH_AS(written(StateFormat::png, false),
                         "rows of a table are not pictures; write .csv, .json or .npy", Error);
}

TEST_CASE("rows come from a file with the names of the columns or without") {
    const std::string path = "/tmp/marginalia_table_cells.csv";
    std::ofstream(path) << "height,smoker,3\n151.25,no,\n\n152,,1\n";
    TableSource source(path, false, cells);
    const std::vector<double> rows = source.first(10);
    CHECK(rows.size() == 6);
    CHECK(rows[3] == 152);
    CHECK(source.next(10).empty());
    std::ofstream(path) << "151.25,no,\n152,often,1\n";
    CHECK_THROWS_WITH_AS(TableSource(path, false, cells).next(10),
                         doctest::Contains(".csv:2: column 'smoker' never holds 'often'; it holds no, yes, often"),
                         Error);
    CHECK(TableSource("height=1", true, cells).first(1)[0] == 1);
}

}  // namespace table_cells
