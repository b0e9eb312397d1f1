// Whether a store's tables are those of marginalia, and whether its rows fit together. Internal to store/.
#pragma once

#include <string>
#include <vector>

#include "store/connection.h"
#include "store/store.h"

namespace marginalia::store {

// Tables, indexes and views that are missing or of another form than those of its layout version, in a few words each.
std::vector<std::string> strange_tables(Connection& connection);

// Of a store whose tables are as they should be: values of the wrong type, rows that name others which are not there,
// counts that are wrong. A few words each.
std::vector<std::string> damaged_rows(Store& store);

}  // namespace marginalia::store
