// Rows of SQL statements, printed as they come.
#pragma once

#include <ostream>
#include <string>
#include <vector>

#include "kernel/host/results/table.h"
#include "store/queries.h"

namespace marginalia {

// Rows of statements that have the same columns, printed as they come. CSV and JSON are streamed, with all digits that
// matter; the other forms are held until the end.
class RowPrinter {
public:
    // `lead`: the name of a column before those of the statements; empty: none. `out` must outlive it.
    RowPrinter(Format format, std::ostream& out, std::string lead = {});

    // Throws StoreError for what the statement or the limits do not allow. `led`: what the first column has.
    void add(store::Store& store, const std::string& sql, const store::QueryLimits& limits = {},
             const std::string& led = {});
    std::size_t finish();  // to be called once; the number of rows

private:
    void begin(const std::vector<std::string>& names);
    void print(const std::vector<store::Cell>& row);
    void print_table();

    Format format_;
    std::ostream& out_;
    std::string lead_;
    store::QueryResult held_;
    std::size_t count_ = 0;
};

}  // namespace marginalia
