// An experiment's results beside published ones, as its [table] says.
#pragma once

#include <optional>
#include <ostream>
#include <vector>

#include "kernel/host/results/table.h"
#include "kernel/spec/paper_table.h"
#include "store/queries.h"

namespace marginalia {

// Prints a line of ours and a line of the published figures for each row, and last the limits. A row's trials are those
// of the newest run of the experiment's file that has such trials; several configurations that fit one row get a line
// each. `only`: these trials at most. For a row without finished trials it is said in words which command makes them:
// below the table, to stderr for csv and json. `newest`: the run of the experiment's file that the table is from.
void print_paper_table(store::Store& store, const PaperTable& table, const store::Sweep& newest,
                       const std::optional<std::vector<store::TrialId>>& only, Format format, std::ostream& out);

}  // namespace marginalia
