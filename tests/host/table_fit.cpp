// Tables on screens of any width.
#include <doctest/doctest.h>

#include <random>
#include <sstream>

#include "kernel/host/results/table.h"

using namespace marginalia;

namespace table_fit {

std::vector<std::string> lines_of(const Table& table, std::size_t width) {
    std::ostringstream out;
    table.print(out, Format::text, {width, false});
    std::istringstream text(out.str());
    std::vector<std::string> lines;
    for (std::string line; std::getline(text, line);) lines.push_back(line);
    return lines;
}

std::string printed(const Table& table, std::size_t width) {
    std::string text;
    for (const std::string& line : lines_of(table, width)) text += line + "\n";
    return text;
}

Cell estimate(double mean) { return {estimate_text(mean, 0.01), {mean, 0.01}}; }

// A sweep's table: two settings, n, and metrics that may give way.
Table sweep_table(int metrics, bool may_go) {
    std::vector<Column> columns = {
        {.name = "network", .role = Role::setting}, {.name = "learning_rate", .role = Role::setting}, {"n", true}};
    for (int i = 0; i < metrics; ++i)
        columns.push_back({"figure_of_merit_" + std::to_string(i), true, "nats", "", may_go ? i : 0});
    Table table(std::move(columns));
    for (const char* network : {"mlp", "lattice-conv"})
        for (const char* rate : {"0.001", "0.01"}) {
            std::vector<Cell> row = {network, rate, Cell::integer(3)};
            for (int i = 0; i < metrics; ++i) row.push_back(estimate(1.5 + i));
            table.add_row(std::move(row));
        }
    return table;
}

TEST_CASE("a table that fits is left as it is") {
    CHECK(printed(sweep_table(1, true), 0) ==
          "network       learning_rate  n  figure_of_merit_0 [nats]\n"
          "────────────  ─────────────  ─  ────────────────────────\n"
          "mlp           0.001          3             1.500 ± 0.010\n"
          "mlp           0.01           3             1.500 ± 0.010\n"
          "lattice-conv  0.001          3             1.500 ± 0.010\n"
          "lattice-conv  0.01           3             1.500 ± 0.010\n");
    CHECK(printed(sweep_table(1, true), 80) == printed(sweep_table(1, true), 0));
}

TEST_CASE("headers are broken first, then columns that may give way are left out and named") {
    CHECK(printed(sweep_table(3, true), 60) ==
          "                                   figure_of_     figure_of_\n"
          "                                      merit_0        merit_1\n"
          "network       learning_rate  n         [nats]         [nats]\n"
          "────────────  ─────────────  ─  ─────────────  ─────────────\n"
          "mlp           0.001          3  1.500 ± 0.010  2.500 ± 0.010\n"
          "mlp           0.01           3  1.500 ± 0.010  2.500 ± 0.010\n"
          "lattice-conv  0.001          3  1.500 ± 0.010  2.500 ± 0.010\n"
          "lattice-conv  0.01           3  1.500 ± 0.010  2.500 ± 0.010\n"
          "not shown on a narrow screen: figure_of_merit_2\n");
}

TEST_CASE("columns that nobody may leave out stand in blocks with the keys repeated") {
    const std::vector<std::string> lines = lines_of(sweep_table(3, false), 46);
    int heads = 0;
    for (const std::string& line : lines) heads += line.starts_with("network");
    CHECK(heads == 3);
    for (const std::string& line : lines) CHECK(display_width(line) <= 46);
}

TEST_CASE("settings that leave no room share a column, broken and never cut") {
    const std::string text = printed(sweep_table(1, false), 36);
    CHECK(text.find("network = mlp,") != std::string::npos);
    CHECK(text.find("learning_rate = 0.01") != std::string::npos);
    CHECK(text.find("lattice-conv") != std::string::npos);
    CHECK(text.find("…") == std::string::npos);
}

TEST_CASE("foreign text moves no cursor, however it is broken") {
    const std::string hostile =
        "\x1b[2J\xc2\x9b"
        "5A\xe2\x80\xae\r\n and more of it, and more of it";
    Table table(
        {{.name = hostile, .role = Role::setting}, {.name = "b" + hostile, .role = Role::setting}, {hostile, true}});
    table.add_row({hostile, hostile, hostile});
    for (const std::size_t width : {0, 20, 50, 200})
        for (const char* harmful : {"\x1b", "\xc2\x9b", "\xe2\x80\xae", "\r"})
            CHECK(printed(table, width).find(harmful) == std::string::npos);
}

TEST_CASE("no line is wider than the screen, no number is cut and no key is lost, whatever the table") {
    std::mt19937 random(1);
    const auto below = [&](std::size_t n) { return random() % n; };
    const auto word = [&](std::size_t most) {
        return std::string(1 + below(most), static_cast<char>('a' + below(26)));
    };
    for (int round = 0; round < 300; ++round) {
        std::vector<Column> columns;
        const std::size_t keys = 1 + below(4), figures = 1 + below(6);
        for (std::size_t i = 0; i < keys; ++i)
            columns.push_back({.name = word(9) + "_" + word(9), .role = Role::setting});
        for (std::size_t i = 0; i < figures; ++i)
            columns.push_back({word(8) + "_" + word(8), true, below(2) ? "nats" : "", "", static_cast<int>(below(3))});
        Table table(columns);
        std::vector<std::string> whole;
        for (std::size_t row = 0; row < 3; ++row) {
            std::vector<Cell> cells;
            for (std::size_t i = 0; i < keys; ++i) cells.emplace_back(whole.emplace_back(word(15)));
            for (std::size_t i = 0; i < figures; ++i) cells.push_back(estimate(static_cast<double>(below(100))));
            table.add_row(std::move(cells));
        }
        const std::size_t width = 45 + below(100);
        const std::string text = printed(table, width);
        for (const std::string& line : lines_of(table, width)) CHECK_MESSAGE(display_width(line) <= width, text);
        for (const std::string& key : whole) CHECK_MESSAGE(text.find(key) != std::string::npos, text);
        CHECK(text.find("…") == std::string::npos);
    }
}

}  // namespace table_fit
