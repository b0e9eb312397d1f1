// An experiment's results beside published ones, as its [table] says.
#pragma once

#include <optional>
#include <ostream>
#include <vector>

#include "kernel/host/results/table.h"
#include "kernel/spec/paper_table.h"
#include "store/queries.h"

namespace marginalia {

// Prints the sheet (kernel/host/results/paper_sheet.h) and its notes. What makes the trials of a row that has none is
// said below the table, on stderr for csv and json.
void print_paper_table(store::Store& store, const PaperTable& table, const store::Sweep& newest,
                       const std::optional<std::vector<store::TrialId>>& only, Format format, std::ostream& out);

}  // namespace marginalia
