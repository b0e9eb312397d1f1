#include "kernel/host/verbs/paper_lines.h"

#include <algorithm>
#include <map>
#include <sstream>

#include "kernel/base/printable.h"
#include "kernel/spec/metrics.h"

namespace marginalia {
namespace {

constexpr std::size_t least_room = 11;  // "  published"

// Some of the table's columns, those from `first` up to `end`.
struct Block {
    std::size_t first, end;
};

class Sheet {
public:
    // Units stand in the header or in a row of their own. Labels wider than `room` get a row of their own; 0: none.
    Sheet(const std::vector<PaperLine>& lines, const std::vector<std::string>& columns, Block block,
          bool units_in_header, std::size_t room)
        : table_(heads(columns, block, units_in_header)) {
        if (!units_in_header) table_.add_row(units(columns, block));
        for (const PaperLine& line : lines)
            if (line.source != "published" || has_figure(line, block)) add(line, block, room);
    }

    std::size_t width() const {
        std::ostringstream text;
        table_.print(text, Format::text, {});
        return display_width(text.str().substr(0, text.str().find('\n')));
    }

    void print(std::ostream& out, Format format, const Screen& view) const {
        if (long_labels_.empty()) return table_.print(out, format, view);
        std::ostringstream text;
        table_.print(text, format, view);
        std::istringstream lines(text.str());
        std::string line;
        for (std::size_t i = 0; std::getline(lines, line); ++i) {
            const auto label = long_labels_.find(i - std::min<std::size_t>(i, 2));  // below header and rule
            out << (i < 2 || label == long_labels_.end() ? line : printable(label->second)) << '\n';
        }
    }

private:
    static bool has_figure(const PaperLine& line, Block block) {
        for (std::size_t c = block.first; c < std::min(block.end, line.figures.size()); ++c)
            if (!line.figures[c].value.is_null()) return true;
        return false;
    }

    static std::vector<Column> heads(const std::vector<std::string>& columns, Block block, bool with_units) {
        std::vector<Column> heads = {{"method"}, {"n", true}};
        for (std::size_t c = block.first; c < block.end; ++c)
            heads.push_back({columns[c], true, with_units ? metric_info(columns[c]).unit : ""});
        return heads;
    }

    static std::vector<Cell> units(const std::vector<std::string>& columns, Block block) {
        std::vector<Cell> units = {"", ""};
        for (std::size_t c = block.first; c < block.end; ++c) {
            const std::string unit = metric_info(columns[c]).unit;
            units.push_back(unit.empty() ? "" : "[" + unit + "]");
        }
        return units;
    }

    void add(const PaperLine& line, Block block, std::size_t room) {
        const bool is_long = room > 0 && display_width(line.label) > room;
        if (is_long) {
            long_labels_[table_.size()] = line.label;
            table_.add_row({});
            if (line.source.empty() && line.seeds.empty()) return;
        }
        std::vector<Cell> row = {is_long ? "" : line.label, line.seeds};
        row[0].tone = line.source == "published" ? Tone::faint : Tone::plain;
        for (std::size_t c = block.first; c < std::min(block.end, line.figures.size()); ++c)
            row.push_back(line.figures[c]);
        table_.add_row(std::move(row));
    }

    Table table_;
    std::map<std::size_t, std::string> long_labels_;  // by row, which is otherwise blank
};

std::size_t longest_label(const std::vector<PaperLine>& lines) {
    std::size_t longest = 0;
    for (const PaperLine& line : lines) longest = std::max(longest, display_width(line.label));
    return longest;
}

// As many columns a block as fit, at least one.
std::vector<Block> blocks_of(const std::vector<PaperLine>& lines, const std::vector<std::string>& columns,
                             std::size_t room, std::size_t width) {
    std::vector<Block> blocks;
    for (std::size_t first = 0, end; first < columns.size(); first = end) {
        end = first + 1;
        while (end < columns.size() && Sheet(lines, columns, {first, end + 1}, false, room).width() <= width) ++end;
        blocks.push_back({first, end});
    }
    return blocks;
}

void print_blocks(const std::vector<PaperLine>& lines, const std::vector<std::string>& columns, const Screen& view,
                  std::ostream& out) {
    std::size_t room = std::max(least_room, view.width / 3);
    std::vector<Block> blocks = blocks_of(lines, columns, room, view.width);
    std::vector<Block> fewer = blocks_of(lines, columns, least_room, view.width);
    if (fewer.size() < blocks.size()) blocks = std::move(fewer), room = least_room;
    for (std::size_t i = 0; i < blocks.size(); ++i) {
        if (i > 0) out << '\n';
        Sheet(lines, columns, blocks[i], false, room).print(out, Format::text, {0, view.colour});
    }
}

}  // namespace

void print_lines(const std::vector<PaperLine>& lines, const std::vector<std::string>& columns, Format format,
                 const Screen& view, std::ostream& out) {
    const Block all{0, columns.size()};
    const Sheet wide(lines, columns, all, true, 0);
    if (format != Format::text || view.width == 0 || wide.width() <= view.width) return wide.print(out, format, view);
    const Sheet narrow(lines, columns, all, false, 0);
    if (narrow.width() <= view.width) return narrow.print(out, format, view);
    const std::size_t longest = longest_label(lines), over = narrow.width() - view.width;
    if (longest >= over + least_room) {
        const Sheet sheet(lines, columns, all, false, longest - over);
        if (sheet.width() <= view.width) return sheet.print(out, format, view);
    }
    print_blocks(lines, columns, view, out);
}

}  // namespace marginalia
