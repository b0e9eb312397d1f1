#include "kernel/worker/states/table_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "kernel/base/printable.h"
#include "kernel/worker/states/array_writer.h"
#include "kernel/worker/states/state_source.h"

namespace marginalia {
namespace {

constexpr std::size_t log_p_columns = 13, cell_columns = 9, between_cells = 2;

class TableCsv final : public TableWriter {
public:
    TableCsv(const TableCells& cells, std::ostream& out) : cells_(cells), out_(out) { out_ << cells_.header() << '\n'; }
    void row(CellRow row, double) override { out_ << cells_.line(row) << '\n'; }

private:
    const TableCells& cells_;
    std::ostream& out_;
};

class TableJson final : public TableWriter {
public:
    TableJson(const TableCells& cells, std::ostream& out) : cells_(cells), out_(out) {}
    void given(CellRow row) override { given_ = fmt::format("\"given\": {}, ", cells_.json(row)); }
    void row(CellRow row, double log_p) override {
        out_ << fmt::format("{{{}\"row\": {}, \"log_p\": {}}}\n", given_, cells_.json(row),
                            std::isfinite(log_p) ? fmt::format("{:.9g}", log_p) : '"' + not_finite_name(log_p) + '"');
    }

private:
    const TableCells& cells_;
    std::ostream& out_;
    std::string given_;
};

class TableArray final : public TableWriter {
public:
    TableArray(const TableCells& cells, std::ostream& out) : array_(out, cells.size()) {}
    void row(CellRow row, double) override { array_.row(row); }
    void finish() override { array_.finish(); }

private:
    NumberArray array_;
};

std::vector<std::string> texts_of(const TableCells& cells, CellRow row) {
    std::vector<std::string> texts;
    for (std::size_t i = 0; i < cells.size(); ++i)
        texts.push_back(std::isnan(row[i]) ? "□" : printable(cells.text(row, i)));
    return texts;
}

std::vector<std::string> names_of(const TableCells& cells) {
    std::vector<std::string> names;
    for (std::size_t i = 0; i < cells.size(); ++i) names.push_back(printable(cells.name(i)));
    return names;
}

std::string log_p_text(double log_p) { return fmt::format("log p {:.2f}", log_p); }

class TableScreen final : public TableWriter {
public:
    TableScreen(const TableCells& cells, bool completes, std::ostream& out)
        : cells_(cells), completes_(completes), out_(out) {
        print("", names_of(cells_));
    }
    static std::size_t width(const TableCells& cells, bool completes) {
        std::size_t width = completes ? log_p_columns + between_cells : 0;
        for (std::size_t i = 0; i < cells.size(); ++i)
            width += (i > 0 ? between_cells : 0) + std::max(cell_columns, cells.name(i).size());
        return width;
    }
    void given(CellRow row) override {
        out_ << '\n';
        print("given", texts_of(cells_, row));
    }
    void row(CellRow row, double log_p) override { print(log_p_text(log_p), texts_of(cells_, row)); }

private:
    void print(const std::string& figure, const std::vector<std::string>& texts) {
        std::string line = completes_ ? fmt::format("{:>{}}", figure, log_p_columns) : "";
        for (std::size_t i = 0; i < texts.size(); ++i)
            line += fmt::format("{}{:>{}}", line.empty() ? "" : std::string(between_cells, ' '), texts[i],
                                std::max(cell_columns, cells_.name(i).size()));
        out_ << line << '\n';
    }

    const TableCells& cells_;
    const bool completes_;
    std::ostream& out_;
};

// Of rows wider than the screen: a line a column, as many rows side by side as fit.
class TableSideways final : public TableWriter {
public:
    TableSideways(const TableCells& cells, bool completes, std::size_t columns, std::ostream& out)
        : cells_(cells), completes_(completes), out_(out), names_(names_of(cells)) {
        for (const std::string& name : names_) name_columns_ = std::max(name_columns_, name.size());
        most_ =
            std::max<std::size_t>(1, (columns - std::min(columns, name_columns_)) / (log_p_columns + between_cells));
    }
    void given(CellRow row) override {
        finish();
        add("given", row);
    }
    void row(CellRow row, double log_p) override {
        ++drawn_;
        add(completes_ ? log_p_text(log_p) : fmt::format("row {}", drawn_), row);
    }
    void finish() override {
        if (heads_.empty()) return;
        out_ << (begun_ ? "\n" : "") << line("", heads_);
        for (std::size_t i = 0; i < names_.size(); ++i) {
            std::vector<std::string> cells;
            for (const std::vector<std::string>& row : rows_) cells.push_back(row[i]);
            out_ << line(names_[i], cells);
        }
        begun_ = true;
        heads_.clear(), rows_.clear();
    }

private:
    void add(const std::string& head, CellRow row) {
        heads_.push_back(head);
        rows_.push_back(texts_of(cells_, row));
        if (heads_.size() == most_) finish();
    }
    std::string line(const std::string& name, const std::vector<std::string>& texts) const {
        std::string line = fmt::format("{:<{}}", name, name_columns_);
        for (const std::string& text : texts)
            line += fmt::format("{}{:>{}}", std::string(between_cells, ' '), text, log_p_columns);
        return line + '\n';
    }

    const TableCells& cells_;
    const bool completes_;
    std::ostream& out_;
    const std::vector<std::string> names_;
    std::size_t name_columns_ = 0, most_ = 1, drawn_ = 0;
    std::vector<std::string> heads_;              // of the rows that are still to be printed
    std::vector<std::vector<std::string>> rows_;  // their cells
    bool begun_ = false;
};

std::unique_ptr<TableWriter> screen_writer(const TableCells& cells, bool completes, std::size_t columns,
                                           std::ostream& out) {
    if (TableScreen::width(cells, completes) <= columns) return std::make_unique<TableScreen>(cells, completes, out);
    return std::make_unique<TableSideways>(cells, completes, columns, out);
}

}  // namespace

TableSource::TableSource(std::string source, bool is_text, const TableCells& cells, bool with_sets)
    : name_(std::move(source)), cells_(cells), with_sets_(with_sets) {
    if (is_text) {
        one_.resize(cells_.size());
        try {
            parse(name_, one_);
        } catch (const Error& error) {
            throw Error("'" + name_ + "' is neither a file nor a row: " + error.what());
        }
    } else if (name_ == "-") {
        name_ = "standard input";
        text_ = std::make_unique<TextLines>(read_standard_input, name_);
    } else if (is_array_file(name_)) {
        array_ = std::make_unique<NpyFile>(name_);
        if (array_->shape().size() != 2 || array_->width() != cells_.size())
            throw Error(fmt::format("{}: the array does not hold rows of {} cells; give shape (N, {})", name_,
                                    cells_.size(), cells_.size()));
    } else {
        text_ = std::make_unique<TextLines>(name_);
    }
}

void TableSource::parse(const std::string& line, std::span<double> out) {
    sets_.emplace_back();
    if (with_sets_) sets_.back() = cells_.parse_with_set(line, out);
    else cells_.parse(line, out);
}

std::vector<double> TableSource::first(std::size_t most) {
    std::vector<double> rows = next(most);
    if (rows.empty()) throw Error(name_ + " holds no rows; give at least one");
    return rows;
}

std::vector<double> TableSource::next(std::size_t most) {
    if (array_) return next_of_array(most);
    if (!text_) return std::exchange(one_, {});
    std::vector<double> rows;
    sets_.clear();
    for (std::string line; rows.size() < most * cells_.size() && text_->next(line);) {
        const bool names = taken_ == 0 && rows.empty() && line == cells_.header();
        if (line.empty() || names) continue;
        rows.resize(rows.size() + cells_.size());
        try {
            parse(line, std::span(rows).last(cells_.size()));
        } catch (const Error& error) {
            throw Error(name_ + ":" + std::to_string(text_->number()) + ": " + error.what());
        }
    }
    taken_ += rows.size() / cells_.size();
    return rows;
}

std::vector<double> TableSource::next_of_array(std::size_t most) {
    const std::size_t count = std::min(array_->rows() - taken_, most);
    std::vector<double> rows(count * cells_.size());
    sets_.assign(count, std::nullopt);
    array_->read(taken_, count, rows);
    for (std::size_t row = 0; row < count; ++row) {
        try {
            cells_.check(std::span(rows).subspan(row * cells_.size(), cells_.size()));
        } catch (const Error& error) {
            throw Error(fmt::format("{}: row {}: {}", name_, taken_ + row, error.what()));
        }
    }
    taken_ += count;
    return rows;
}

std::unique_ptr<TableWriter> make_table_writer(const OutputRequest& output, const TableCells& cells, bool completes,
                                               std::ostream& out) {
    switch (output.format) {
        case StateFormat::text:
        case StateFormat::csv: return std::make_unique<TableCsv>(cells, out);
        case StateFormat::json: return std::make_unique<TableJson>(cells, out);
        case StateFormat::npy: return std::make_unique<TableArray>(cells, out);
        case StateFormat::screen: return screen_writer(cells, completes, output.terminal.columns, out);
        case StateFormat::png:
        case StateFormat::svg: break;
    }
    throw Error("rows of a table are not pictures; write .csv, .json or .npy");
}

}  // namespace marginalia
