// The stores that a reading verb was given, when there may be several.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "kernel/host/verbs/verb.h"
#include "store/store.h"

namespace marginalia {

struct OpenStore {
    std::string name;  // as it was given: "results/a.db"
    store::Store store;
};

// All of them, at least one. Throws StoreError, and Error where one is given twice.
std::vector<OpenStore> open_stores(const Common& common);

// The store that a trial's name is of, and the name within it: of several stores, "a.db:4" is trial 4 of the one whose
// path or file name that is. Throws Error where it says none.
std::pair<OpenStore*, std::string> store_of(std::vector<OpenStore>& stores, const std::string& trial);

// Names of all metrics in any of them, sorted.
std::vector<std::string> metric_names_in(std::vector<OpenStore>& stores);

// A table whose first column, where there are several stores, says which one a row is of.
class StoresTable {
public:
    StoresTable(const std::vector<OpenStore>& stores, std::vector<Column> columns);

    void add_row(const OpenStore& store, std::vector<Cell> row);
    std::size_t size() const { return table_.size(); }
    void print(std::ostream& out, Format format, Screen screen) const { table_.print(out, format, screen); }

private:
    bool named_;
    Table table_;
};

}  // namespace marginalia
