// Exit codes of the program `marginalia`: --help, the manual page and docs/exit-codes.md say what is here, and a test
// compares them.
#pragma once

#include "kernel/base/descriptor_buffer.h"

namespace marginalia {

inline constexpr int exit_ok = 0;
inline constexpr int exit_trial_failed = 1;
inline constexpr int exit_usage = 2;
inline constexpr int exit_plugin = 3;
inline constexpr int exit_store = 4;
inline constexpr int exit_no_match = 5;
// exit_unwritten, 6: kernel/base/descriptor_buffer.h
inline constexpr int exit_preempted = 75;
inline constexpr int exit_interrupted = 130;
inline constexpr int exit_terminated = 143;  // of any other signal, 128 and its number

struct ExitCode {
    int code;
    const char* meaning;
};

inline constexpr ExitCode exit_codes[] = {
    {exit_ok, "done"},
    {exit_trial_failed, "not all of it: a trial failed, is in conflict or has not stopped yet, or a check failed"},
    {exit_usage, "wrong words, files or input"},
    {exit_plugin, "a plugin is missing or refused"},
    {exit_store, "the store cannot be used"},
    {exit_no_match, "nothing matched"},
    {exit_unwritten, "the answer could not be written"},
    {exit_preempted, "stopped by SIGUSR1 after checkpoints, to be started again"},
    {exit_interrupted, "stopped by Ctrl-C (SIGINT)"},
    {exit_terminated, "stopped by SIGTERM; by any other signal, 128 and its number"}};

}  // namespace marginalia
