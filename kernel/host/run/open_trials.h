// What is open of an experiment beside the trials of its newest run: those of earlier runs, and of lines of `tell`.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "kernel/host/run/stored_code.h"
#include "kernel/spec/experiment.h"
#include "store/queries.h"

namespace marginalia {

class OpenTrials {
public:
    // Those of the experiment that are not done, with the runs that planned them. `all_code`: as for StoredCode.
    OpenTrials(const std::filesystem::path& store, const std::string& experiment, bool all_code);

    // The folders of plugins that these runs have, but for those that are among `folders` already. Throws as
    // StoredCode::plugin_folders.
    void add_folders(std::vector<std::filesystem::path>& folders, const std::vector<std::string>& given) const;

    const std::vector<store::Trial>& trials() const { return trials_; }

    // Behind the experiment's own trials those that are not among them, by their own configs. Throws ConfigError, and
    // Error for scripts that this user has not chosen.
    void add_to(Experiment& experiment, const std::vector<std::string>& overrides,
                const PluginCatalogue& plugins) const;

private:
    std::vector<store::Trial> trials_;
    std::map<std::int64_t, store::Sweep> runs_;
    const bool all_code_;
};

}  // namespace marginalia
