// From a dead worker's log to a sentence that helps.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "kernel/spec/schema.h"

namespace marginalia {

// Of a stack as a crash writes it (backtrace_symbols_fd): FILE(symbol+0x12)[0x7f...]
bool is_stack_line(std::string_view line);

// The last lines of a worker's output as one line, without the stack that a crash wrote there; empty if there are none.
std::string last_output(std::string_view log);

// The plugin whose code was innermost on the stack that a crash wrote: "energy 'ring' (/path/ring.so)". Empty if none.
std::string plugin_on_stack(std::string_view log, const PluginCatalogue& plugins);

// The plugins that a trial's config chooses: "energy 'ising', network 'mlp'".
std::string plugins_of(const nlohmann::json& config);

}  // namespace marginalia
