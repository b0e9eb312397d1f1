// What the files that check datasets share.
#pragma once

#include <marginalia/dataset.h>

#include "kernel/conformance/checker.h"

namespace marginalia {

constexpr Split all_splits[] = {Split::train, Split::validation, Split::test};
const char* split_name(Split split);

// No split holds rows of another, but for as many equal rows as independent draws have: how often a row of the larger
// split has an equal in its own split says how often a fresh row would. A whole split that stands in another row after
// row is found whatever its rows are. Compares hashes of up to 4 million rows a split.
std::string check_disjoint(const Dataset&);

}  // namespace marginalia
