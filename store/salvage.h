// Takes the rows of a damaged store from its pages, one by one. Internal to store/.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "store/connection.h"
#include "store/pages.h"

namespace marginalia::store {

struct Salvaged {
    std::map<std::string, std::int64_t> lost;     // by table: rows that were found and cannot be read
    std::map<std::string, std::int64_t> entries;  // by index: how many rows it knows of
    bool perhaps_deleted = false;                 // as in Recovered
};

// Puts every row that can be read into the tables of `made`, an empty store, within a transaction of the caller's.
Salvaged salvage(const Pages& pages, Connection& made);

}  // namespace marginalia::store
