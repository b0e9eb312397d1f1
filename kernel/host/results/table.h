// One table, five ways to print it: for a terminal, a spreadsheet, a program, a README and a paper.
#pragma once

#include <nlohmann/json.hpp>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "kernel/host/results/table_layout.h"
#include "kernel/host/results/text.h"

namespace marginalia {

enum class Format { text, csv, json, markdown, latex };

// The format of that name; throws Error naming the formats there are.
Format format_named(std::string_view name);

// A cell: what people read, and what programs get (csv and json). A plain text cell has both the same.
struct Cell {
    std::string text;
    nlohmann::json value;
    Tone tone = Tone::plain;

    Cell() = default;  // nothing: blank for people, null for programs
    Cell(std::string text) : text(text), value(std::move(text)) {}
    Cell(const char* text) : Cell(std::string(text)) {}
    Cell(std::string text, nlohmann::json value) : text(std::move(text)), value(std::move(value)) {}

    static Cell number(double value);  // NaN and infinities too: "∞" for people, "Infinity" for programs
    static Cell integer(std::int64_t value);
};

enum class Role {
    plain,   // texts are cut where there is no room for them
    whole,   // they are broken into lines instead
    key,     // the same; it tells rows apart, and is repeated where the columns stand in several blocks
    setting  // a key that shares one column with the others like it where there is no room for one each
};

struct Column {
    std::string name;            // also the key in csv and json
    bool numeric = false;        // set to the right
    std::string unit = {};       // shown in the header: "step_seconds [s]"
    std::string error_key = {};  // csv and json get a second column of this name (a Cell value of two numbers)
    int drop = 0;                // on a screen too narrow, left out: those with the highest number first; 0: never
    Role role = Role::plain;
};

// Rows under named columns. Cells beyond a row's end are blank.
class Table {
public:
    explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

    void add_row(std::vector<Cell> row);
    std::size_t size() const { return rows_.size(); }

    // Text is fitted to the screen (table_layout.h): headers are broken into lines, columns that may give way are left
    // out and named below, the widest texts become narrower, and columns stand in blocks under each other. Numbers are
    // never cut. For people, foreign text is made printable (kernel/base/printable.h); csv and json have it as it is.
    void print(std::ostream& out, Format format, Screen screen = {}) const;

private:
    void print_text(std::ostream& out, Screen screen) const;
    void print_csv(std::ostream& out) const;
    void print_json(std::ostream& out) const;
    void print_markdown(std::ostream& out) const;
    void print_latex(std::ostream& out) const;
    void print_block(std::ostream& out, const ColumnBlock& block, bool colour) const;
    std::vector<ColumnSize> sizes() const;
    ColumnSize size_of(std::size_t column) const;
    bool is_broken(std::size_t row, std::size_t column) const;
    Table with_settings_together() const;
    std::string header(std::size_t column) const;
    const Cell& cell(std::size_t row, std::size_t column) const;

    std::vector<Column> columns_;
    std::vector<std::vector<Cell>> rows_;
};

// Text for LaTeX: its special characters escaped, ±, ≤, ≈ and ∞ as mathematics.
std::string latex_text(std::string_view text);

}  // namespace marginalia
