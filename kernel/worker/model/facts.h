// What was read of files, in a line for people.
#pragma once

#include <marginalia/dataset.h>

#include <string>

namespace marginalia {

// "40 rows of 6 sites (2 x 3) and 2 categories: 32 for training, 4 for validation, 4 for the test; " and the dataset's
// own report.
std::string facts_of(const Dataset& dataset);

}  // namespace marginalia
