#include "kernel/host/verbs/print_paper_table.h"

#include <fmt/format.h>
#include <fmt/ostream.h>

#include <iostream>

#include "kernel/base/printable.h"
#include "kernel/host/results/paper_sheet.h"
#include "kernel/host/results/text.h"
#include "kernel/host/verbs/paper_lines.h"

namespace marginalia {
namespace {

void print_for_programs(const PaperSheet& sheet, const PaperTable& paper, Format format, std::ostream& out) {
    std::vector<Column> columns = {{"method"}, {"source"}, {"settings"}, {"n", true}};
    for (const std::string& column : paper.columns) columns.push_back({column, true, "", column + "_stderr"});
    for (const char* name : {"instead", "target", "cite", "hardware", "second_hand"}) columns.push_back({name});
    Table table(std::move(columns));
    const auto text = [](const std::string& word) { return word.empty() ? Cell() : Cell(word); };
    for (const PaperLine& line : sheet.lines) {
        if (line.source.empty()) continue;
        std::vector<Cell> row = {text(line.method), line.source, text(line.settings),
                                 line.source == "ours" ? Cell::integer(static_cast<std::int64_t>(line.done)) : Cell()};
        row.insert(row.end(), line.figures.begin(), line.figures.end());
        for (const std::string& word : {line.instead, line.target, line.cite, line.hardware}) row.push_back(text(word));
        row.push_back(line.cite.empty() ? Cell() : Cell(line.second_hand ? "true" : "false", line.second_hand));
        table.add_row(std::move(row));
    }
    table.print(out, format);
    for (const std::string& words : sheet.missing) std::cerr << printable(words) << '\n';
}

void print_for_people(const PaperSheet& sheet, const PaperTable& paper, Format format, std::ostream& out) {
    const Screen view = screen();
    const std::string title = printable(paper.title);
    if (format == Format::latex) out << "% " << title << '\n';
    else out << (format == Format::markdown ? "**" + title + "**" : title) << "\n\n";
    print_lines(sheet.lines, paper.columns, format, view, out);
    std::vector<std::string> notes = sheet.notes;
    if (format == Format::latex) {
        for (const std::string& note : notes)
            fmt::print(out, "\\par{{\\footnotesize {}}}\n", latex_text(printable(note)));
        for (const std::string& words : sheet.missing) out << "% " << printable(words) << '\n';
        return;
    }
    notes.insert(notes.end(), sheet.missing.begin(), sheet.missing.end());
    const char* between = format == Format::markdown ? "\n" : "";
    if (!notes.empty()) out << '\n';
    for (std::size_t i = 0; i < notes.size(); ++i)
        out << (i > 0 ? between : "")
            << (format == Format::text ? wrap(notes[i], view.width) : printable_lines(notes[i]) + "\n");
}

}  // namespace

void print_paper_table(store::Store& store, const PaperTable& table, const store::Sweep& newest,
                       const std::optional<std::vector<store::TrialId>>& only, Format format, std::ostream& out) {
    const PaperSheet sheet = paper_sheet(store, table, newest, only);
    if (format == Format::csv || format == Format::json) return print_for_programs(sheet, table, format, out);
    print_for_people(sheet, table, format, out);
}

}  // namespace marginalia
