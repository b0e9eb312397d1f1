// Where each value of an experiment was written: `plan --origin`.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "kernel/spec/schema.h"

namespace marginalia {

struct ValueOrigin {
    enum class From { fallback, file, sweep, command_line };

    std::string key;    // "train.steps"; "network.mlp.hidden" where trials differ in their plugin
    std::string value;  // as TOML spells it; of a swept key what is tried
    From from = From::fallback;
    std::string where;  // "base.toml:12", or an override as typed; empty for a default
};

// Every key of the experiment's trials and of [run], [stage1] included, in the order of the documentation. The file is
// one that read_experiment (experiment.h) takes with these overrides; it is read again. Throws Error.
std::vector<ValueOrigin> value_origins(const std::filesystem::path& file, const std::vector<std::string>& overrides,
                                       const PluginCatalogue& plugins);

}  // namespace marginalia
