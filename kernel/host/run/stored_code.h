// Code that a store names: plugin folders, scripted files and commands of [hooks]. It runs only where this user chose
// it (docs/store.md, "Stores from others").
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "kernel/spec/experiment.h"
#include "store/queries.h"

namespace marginalia {

// What `run` keeps with a sweep, as "code" of its provenance: {"paths": [...], "seal": "..."}; the experiment file, its
// run.plugin_path, its trials' parameters of type script and, with "hook " before them, which no path begins with, the
// commands of its [hooks], with a seal over them that takes this user's key. Null
// where no key can be made; `problem` then says why, if there is code beside the experiment file.
nlohmann::json sealed_code(const Experiment& experiment, const PluginCatalogue& plugins, std::string& problem);

// What of a stored sweep's code may run.
class StoredCode {
public:
    // `all`: whatever the sweep names (--trust).
    StoredCode(const store::Sweep& sweep, bool all);

    // Whether this user chose this path when the sweep was made, on this machine.
    bool covers(const std::filesystem::path& path) const;

    // The same for the commands of its [hooks]; true where there are none.
    bool covers_hooks(const HookSettings& hooks) const;

    // All folders to search for plugins, those of the sweep's run.plugin_path among them. Folders that are not covered
    // are left out where --plugin-path names others in their place (`given`); else throws Error naming the first.
    std::vector<std::filesystem::path> plugin_folders(const std::vector<std::string>& given) const;
    // The same for who only looks: what is left out goes to `left_out`.
    std::vector<std::filesystem::path> plugin_folders(const std::vector<std::string>& given,
                                                      std::vector<std::string>& left_out) const;

    // Throws Error where a parameter of type script in the config names a file that is not covered.
    void require_scripts(const nlohmann::json& config, const PluginCatalogue& plugins) const;

private:
    const store::Sweep& sweep_;
    const bool all_;
    std::vector<std::string> paths_;  // covered
};

}  // namespace marginalia
