// Queries and conditions that people keep in a store under a name. All functions throw StoreError (store/error.h).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "store/store.h"

namespace marginalia::store {

struct SavedQuery {
    std::string name;
    bool is_condition = false;  // of --where; else an SQL statement
    std::string text;
    double created = 0;  // seconds since the epoch; set by save_query
};

void save_query(Store&, const SavedQuery& query);  // in place of one of that name
bool forget_query(Store&, std::string_view name);  // false: there is none
std::optional<SavedQuery> find_saved_query(Store&, std::string_view name);
std::vector<SavedQuery> saved_queries(Store&);  // by name

}  // namespace marginalia::store
