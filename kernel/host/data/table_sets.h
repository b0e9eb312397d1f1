// The data sets that are tables of numbers and words.
#pragma once

#include <vector>

#include "kernel/host/data/data_sets.h"

namespace marginalia::data {

// A part of data_sets(). They are as their authors publish them; bench/tables/prepare.py makes files of them that
// dataset `table` reads.
std::vector<DataSet> table_sets();

}  // namespace marginalia::data
