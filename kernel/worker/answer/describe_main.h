// What `plan` asks of a worker: what a dataset reads.
#pragma once

#include <string>

namespace marginalia {

// Makes the dataset of a plugin file with the parameters of a config's table [dataset], given as JSON, and prints one
// line: what was read (facts_of), or why it cannot be. Returns the process's exit code, 0 for both. Ends with the
// process that started it, and after two minutes.
int describe_main(const std::string& plugin_file, const std::string& table);

}  // namespace marginalia
