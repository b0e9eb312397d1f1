// The lines of a [table] on a screen.
#pragma once

#include <ostream>
#include <string>
#include <vector>

#include "kernel/host/results/table.h"

namespace marginalia {

// One line of the table, for people and for programs.
struct PaperLine {
    std::string label;     // as people see it
    std::string method;    // of the row; empty: the limits
    std::string source;    // "ours", "published", "limit"; empty: a heading
    std::string settings;  // what tells this configuration from others of the row
    std::string seeds;     // "3", "1/3"; empty: not ours, or none
    std::size_t done = 0;
    std::vector<Cell> figures;  // one a column; a value is [mean, standard error]
    std::string instead;        // "kl: kl_bound"
};

// Prints the lines under "method", "n" and the columns with their units. As text, neither labels nor figures are cut:
// on a narrow screen units get a row of their own, then long labels a line of their own, and at last the columns stand
// in blocks under each other, labels and n repeated in each.
void print_lines(const std::vector<PaperLine>& lines, const std::vector<std::string>& columns, Format format,
                 const Screen& view, std::ostream& out);

}  // namespace marginalia
