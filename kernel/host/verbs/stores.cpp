#include "kernel/host/verbs/stores.h"

#include <fmt/format.h>
#include <marginalia/error.h>

#include <filesystem>
#include <set>

#include "store/queries.h"

namespace marginalia {

std::vector<OpenStore> open_stores(const Common& common) {
    std::vector<OpenStore> stores;
    std::set<std::filesystem::path> known;
    for (const std::filesystem::path& file : common.stores) {
        stores.push_back({file.string(), store::Store::open_to_read(file)});
        if (!known.insert(std::filesystem::canonical(file)).second)
            throw Error(fmt::format("store {} is given twice", file.string()));
    }
    return stores;
}

std::pair<OpenStore*, std::string> store_of(std::vector<OpenStore>& stores, const std::string& trial) {
    if (stores.size() == 1) return {&stores.front(), trial};
    for (OpenStore& each : stores)
        for (const std::string& name : {each.name, std::filesystem::path(each.name).filename().string()})
            if (trial.starts_with(name + ":")) return {&each, trial.substr(name.size() + 1)};
    throw Error(fmt::format("'{0}' does not say of which store it is; write {1}:{0}", trial, stores.front().name));
}

std::vector<std::string> metric_names_in(std::vector<OpenStore>& stores) {
    std::set<std::string> names;
    for (OpenStore& each : stores)
        for (std::string& name : store::metric_names(each.store)) names.insert(std::move(name));
    return {names.begin(), names.end()};
}

StoresTable::StoresTable(const std::vector<OpenStore>& stores, std::vector<Column> columns)
    : named_(stores.size() > 1), table_([&] {
          if (named_) columns.insert(columns.begin(), {.name = "store", .role = Role::key});
          return std::move(columns);
      }()) {}

void StoresTable::add_row(const OpenStore& store, std::vector<Cell> row) {
    if (named_) row.insert(row.begin(), Cell(store.name));
    table_.add_row(std::move(row));
}

}  // namespace marginalia
