// Reads and checks [table].
#pragma once

#include "kernel/config/faults.h"
#include "kernel/config/node.h"
#include "kernel/config/paper_table.h"
#include "kernel/config/schema.h"

namespace marginalia::config {

// What the table says; what is read is only right if no fault was added. The keys and values of `where` are checked against
// the declared parameters, unless `catalogue` is null.
PaperTable read_paper_table(const Node& table, const PluginCatalogue* catalogue, const std::filesystem::path& folder,
                            Faults& faults);

}  // namespace marginalia::config
