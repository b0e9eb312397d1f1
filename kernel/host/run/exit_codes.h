// Exit codes of the program `marginalia`.
#pragma once

namespace marginalia {

inline constexpr int exit_ok = 0;
inline constexpr int exit_trial_failed = 1;  // run, resume; cancel, pause: not happened yet
inline constexpr int exit_usage = 2;         // bad usage or config
inline constexpr int exit_plugin = 3;        // plugin missing or refused
inline constexpr int exit_store = 4;         // store missing, locked, damaged or newer
inline constexpr int exit_no_match = 5;      // nothing matched
// exit_unwritten, 6: standard output or a file could not be written (kernel/base/descriptor_buffer.h)
inline constexpr int exit_preempted = 75;     // SIGUSR1: checkpointed, please requeue
inline constexpr int exit_interrupted = 130;  // SIGINT
inline constexpr int exit_terminated = 143;   // SIGTERM; of any other signal, 128 and its number

}  // namespace marginalia
