// Exit codes of the reading verbs; those of the acting verbs are in kernel/host/run/run.h.
#pragma once

namespace marginalia {

inline constexpr int exit_ok = 0;
inline constexpr int exit_usage = 2;     // bad usage or config
inline constexpr int exit_plugin = 3;    // plugin missing or refused
inline constexpr int exit_store = 4;     // store missing, locked, damaged or newer
inline constexpr int exit_no_match = 5;  // nothing matched
// exit_unwritten, 6: standard output or a file could not be written (kernel/base/descriptor_buffer.h)
inline constexpr int exit_stopped = 130;  // by Ctrl-C, as of a process that it ends

}  // namespace marginalia
