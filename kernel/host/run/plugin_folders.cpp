#include "kernel/host/run/plugin_folders.h"

#include <algorithm>
#include <cstdlib>
#include <sstream>
#include <system_error>

namespace marginalia {
namespace {

namespace fs = std::filesystem;

void add(std::vector<fs::path>& folders, const fs::path& folder) {
    std::error_code failure;  // a loop of links, say: whoever opens the folder tells it
    fs::path whole = fs::weakly_canonical(fs::absolute(folder), failure);
    if (failure) whole = fs::absolute(folder).lexically_normal();
    if (std::find(folders.begin(), folders.end(), whole) == folders.end()) folders.push_back(whole);
}

// The tree that the running program is in: PREFIX of PREFIX/bin/marginalia.
fs::path program_tree() {
    std::error_code none;
    return fs::read_symlink("/proc/self/exe", none).parent_path().parent_path();
}

}  // namespace

std::vector<fs::path> plugin_folders(const std::vector<std::string>& from_command_line,
                                     const std::vector<std::string>& from_experiment) {
    std::vector<fs::path> folders;
    for (const std::string& folder : from_command_line) add(folders, folder);
    for (const std::string& folder : from_experiment) add(folders, folder);
    if (const char* list = std::getenv("MARGINALIA_PLUGIN_PATH")) {
        std::istringstream words(list);
        for (std::string folder; std::getline(words, folder, ':');)
            if (!folder.empty()) add(folders, folder);
    }
    for (const char* library : {"lib", MARGINALIA_LIBRARY_DIR}) {
        const fs::path own = program_tree() / library / "marginalia" / "plugins";
        if (std::error_code none; fs::is_directory(own, none)) add(folders, own);
    }
    return folders;
}

std::vector<fs::path> plugin_files(const std::vector<fs::path>& folders, std::vector<PluginFailure>& failures) {
    std::vector<fs::path> all;
    for (const fs::path& folder : folders) {
        std::error_code failure;
        const fs::file_status found = fs::status(folder, failure);
        std::vector<fs::path> files;
        if (found.type() == fs::file_type::not_found) {
            failures.push_back({folder.string(), no_such_folder});
        } else if (failure) {
            failures.push_back({folder.string(), "cannot be read: " + failure.message()});
        } else if (!fs::is_directory(found)) {
            files = {folder};
        } else {
            for (fs::directory_iterator entry(folder, failure), end; !failure && entry != end; entry.increment(failure))
                if (entry->path().extension() == ".so") files.push_back(entry->path());
            if (failure) failures.push_back({folder.string(), "the folder cannot be read: " + failure.message()});
        }
        std::sort(files.begin(), files.end());
        all.insert(all.end(), files.begin(), files.end());
    }
    return all;
}

}  // namespace marginalia
