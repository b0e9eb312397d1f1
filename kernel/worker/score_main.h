// The worker program as the second half of `marginalia score`.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace marginalia {

// marginalia-worker --score DESCRIPTOR STATES PLUGIN_FILE...: reads an encoded TrialRequest (protocol.h) from the descriptor and
// prints CSV, see kernel/train/score.h. Returns 0, or 2 with a sentence on stderr.
int score_main(int descriptor, const std::string& source, const std::vector<std::filesystem::path>& plugin_files);

}  // namespace marginalia
