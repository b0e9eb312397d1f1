// Makes the rows of a new store fit together that were taken one by one from a damaged one. Internal to store/.
#pragma once

#include <cstdint>

#include "store/connection.h"

namespace marginalia::store {

struct Repairs {
    std::int64_t stand_ins = 0;  // rows made in place of lost ones, `trials` among them
    std::int64_t trials = 0;
    std::int64_t points_lost = 0;  // of no trial, and what summaries count and is not there
};

// Within a transaction of the caller's.
Repairs repair(Connection& connection);

}  // namespace marginalia::store
