// The lines of a [table] on a screen.
#pragma once

#include <ostream>
#include <string>
#include <vector>

#include "kernel/host/results/paper_sheet.h"

namespace marginalia {

// Prints the lines under "method", "n" and the columns with their units. As text, neither labels nor figures are cut:
// on a narrow screen units get a row of their own, then long labels a line of their own, and at last the columns stand
// in blocks under each other, labels and n repeated in each, but for published lines without a figure in the block.
void print_lines(const std::vector<PaperLine>& lines, const std::vector<std::string>& columns, Format format,
                 const Screen& view, std::ostream& out);

}  // namespace marginalia
