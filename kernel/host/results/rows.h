// Rows of SQL statements, printed as they come.
#pragma once

#include <ostream>
#include <string>

#include "kernel/host/results/table.h"
#include "store/queries.h"

namespace marginalia {

// Prints the rows of a statement and returns their number. CSV and JSON are streamed, with all digits that matter; the
// other forms are read whole first. Throws StoreError for what the statement or the limits do not allow.
std::size_t print_rows(store::Store& store, const std::string& sql, Format format, std::ostream& out,
                       const store::QueryLimits& limits = {});

}  // namespace marginalia
