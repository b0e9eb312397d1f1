// From an experiment file to the trials it asks for.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "kernel/spec/paper_table.h"
#include "kernel/spec/schema.h"
#include "kernel/spec/settings.h"
#include "kernel/spec/space.h"
#include "kernel/spec/stop_settings.h"

namespace marginalia {

// One trial as asked for, with one evaluation of it: everything that shapes its result.
struct TrialConfig {
    nlohmann::json
        config;        // {"energy": {"plugin": "ising", "rows": 10, ...}, "network": {...}, ...}, defaults filled in
    std::string hash;  // of what shapes the weights, the seed left out (identity.h)
    std::int64_t seed = 0;
    std::string evaluation_hash = {};
    ResourceSettings resources = {};  // [resources]: no part of the config
};

// A validated experiment: nothing in it can fail for a reason that the file or the plugins' declarations show.
struct Experiment {
    std::string name;
    std::string description;
    std::filesystem::path file;
    std::string toml;                          // text that stands on its own: what it extends and overrides applied
    RunSettings run;                           // [run]
    StopSettings stop;                         // [stop]
    SlurmSettings slurm;                       // [slurm]
    HookSettings hooks;                        // [hooks]
    std::vector<std::string> swept;            // places in the config that vary ("network.hidden"), in order of mention
    Space space;                               // what the sweep searches
    std::size_t left_out = 0;                  // combinations that [[sweep.exclude]] leaves out, equal ones each
    std::vector<std::string> warnings;         // of what is allowed and looks like a mistake, a sentence each
    std::optional<PaperTable> table;           // [table]
    std::vector<TrialConfig> trials;           // in the order of the sweep, seeds innermost
    std::shared_ptr<const Experiment> stage1;  // [stage1], an experiment of its own that is to be run first; null: none
};

// Thrown instead of a plain Error where nothing is wrong but that a plugin is missing or was refused (exit code 3).
class MissingPlugin : public Error {
public:
    using Error::Error;
};

// Reads and validates `file` with `overrides` ("train.steps=10", "energy.coupling=0.1,0.2" as a sweep). Throws Error
// listing every fault found, one a line: "FILE:LINE:COLUMN: what is wrong; what to do". A pure function of its inputs.
// At most 100,000 trials.
Experiment read_experiment(const std::filesystem::path& file, const std::vector<std::string>& overrides,
                           const PluginCatalogue& plugins);

// The same from text, `file` being used in messages and to resolve relative paths.
Experiment parse_experiment(std::string_view text, const std::filesystem::path& file,
                            const std::vector<std::string>& overrides, const PluginCatalogue& plugins);

// The folders of run.plugin_path, which must be known before the plugins that an experiment is checked against:
// absolute, in order, relative ones being taken from the folder of `file`. Empty where the text is no TOML or says
// nothing of the kind; reading the experiment then says what is wrong.
std::vector<std::string> plugin_folders_of(std::string_view text, const std::filesystem::path& file,
                                           const std::vector<std::string>& overrides);
std::vector<std::string> plugin_folders_of(const std::filesystem::path& file,
                                           const std::vector<std::string>& overrides);

// run.keep_best of a text as the store keeps it; "" where it has none or is no TOML.
std::string keep_best_of(std::string_view stored_text);

// The values of a plugin's table as the plugin sees them. What a stored table lacks, since the plugin has gained it
// later, is `absent`, else the default; throws Error for what the plugin has lost, which nobody can know to be
// harmless.
Params params_of(const nlohmann::json& table, const std::vector<ParameterSpec>& declared);

// A stored config with what it lacks as params_of reads it.
nlohmann::json completed(nlohmann::json config, const PluginCatalogue& plugins);

// The plugins for reading a stored file again so that it asks for the trials it asked for, which have these configs:
// a parameter that one of them lacks is `absent` by default.
PluginCatalogue as_before(PluginCatalogue plugins, const std::vector<nlohmann::json>& configs);

// A single trial's config and seed as an experiment file that `run` takes and that gives the same hash.
std::string to_toml(const std::string& name, const nlohmann::json& config, std::int64_t seed);

}  // namespace marginalia
