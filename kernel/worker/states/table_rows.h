// Rows of tables from a file, a piece at a time, and answers written as rows of tables.
#pragma once

#include <marginalia/files.h>
#include <marginalia/npy.h>

#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "kernel/wire/state_format.h"
#include "kernel/worker/states/table_cells.h"

namespace marginalia {

// One thread. `cells` outlives it.
class TableSource {
public:
    // `source`: a text file of lines as TableCells::parse takes them, of which the first may have the columns' names,
    // "-" for standard input, or a .npy or .npz file of floats (N, D) with NaN for unknown; or, with is_text, one such
    // line itself. with_sets: a line may have a set (TableCells::parse_with_set). Throws Error where it cannot be read.
    TableSource(std::string source, bool is_text, const TableCells& cells, bool with_sets = false);

    // Up to `most` further rows, cell after cell; empty at the end. Throws Error with file and line or row.
    std::vector<double> next(std::size_t most);
    std::vector<double> first(std::size_t most);  // the same; throws Error where there are none

    // The set of each row that next() or first() returned last.
    const std::vector<std::optional<CellSet>>& sets() const { return sets_; }

private:
    std::vector<double> next_of_array(std::size_t most);
    void parse(const std::string& line, std::span<double> out);

    std::string name_;
    const TableCells& cells_;
    const bool with_sets_;
    std::vector<std::optional<CellSet>> sets_;
    std::unique_ptr<TextLines> text_;  // null: an array, or one line
    std::unique_ptr<NpyFile> array_;
    std::vector<double> one_;  // the row that was given as text, until it is handed over
    std::size_t taken_ = 0;    // rows
};

// For rows drawn or completed:
//
//   text, csv   a line of CSV a row, the first one with the columns' names
//   json        an object a line: {"row": {name: value, ...}, "log_p": nats}, for completions also "given": {...}
//   npy         float64 (n, D), symbols by number; `out` must be a file, as its head is written last
//   screen      the same as csv in columns, with log p of completions; rows that are wider than the terminal stand side
//               by side, a line a column
//
// One thread. `cells` and `out` outlive it.
class TableWriter {
public:
    virtual ~TableWriter() = default;
    virtual void given(CellRow) {}  // the rows up to the next one are its completions
    virtual void row(CellRow row, double log_p) = 0;
    virtual void finish() {}
};

// Throws Error for pictures, which rows of tables are not.
std::unique_ptr<TableWriter> make_table_writer(const OutputRequest& output, const TableCells& cells, bool completes,
                                               std::ostream& out);

}  // namespace marginalia
