// Reads and checks [table].
#pragma once

#include "kernel/spec/faults.h"
#include "kernel/spec/node.h"
#include "kernel/spec/paper_table.h"
#include "kernel/spec/schema.h"

namespace marginalia::config {

// What the table says; what is read is only right if no fault was added. The keys and values of `where` are checked
// against the declared parameters, unless `catalogue` is null.
PaperTable read_paper_table(const Node& table, const PluginCatalogue* catalogue, const std::filesystem::path& folder,
                            Faults& faults);

}  // namespace marginalia::config
