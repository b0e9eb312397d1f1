// The acting verbs: `run`, `plan`, `resume` and `evaluate`.
#pragma once

#include <chrono>
#include <filesystem>
#include <iosfwd>
#include <string>
#include <vector>

#include "kernel/host/results/table.h"
#include "kernel/host/run/exit_codes.h"
#include "kernel/host/run/worker_process.h"
#include "store/store.h"

namespace marginalia {

// What the command line asks for.
struct RunOptions {
    std::filesystem::path file;          // experiment file (run, plan)
    std::string experiment;              // resume: name of an experiment in the store; empty: the newest sweep
    std::vector<std::string> overrides;  // "train.steps=10", see docs/experiment-files.md
    std::filesystem::path store = "marginalia.db";
    std::string store_from;                 // what named it: --store, MARGINALIA_STORE; empty: nothing
    std::vector<std::string> plugin_paths;  // --plugin-path, searched first
    bool trust = false;                     // --trust: resume with whatever code the store names
    bool retry_failed = false;              // also run trials that ended failed, timeout or oom
    bool again = false;                     // also run trials anew whose plugins or input files have changed since;
                                            // evaluate: also what has been evaluated in the same way
    bool no_new = false;                    // resume: what the store holds of the experiment and nothing else
    bool of_a_task = false;                 // resume: a task of an array job, whose trials nobody else runs
    bool quiet = false;                     // no progress, no summary: only failures and refusals, on stderr
    WorkerPatience patience;                // tests have less
    std::chrono::milliseconds hook_patience{60'000};  // so have they of a command of [hooks]
    std::vector<std::string> command_line;            // as typed, for the provenance record
};

// The folders to search for plugins of options.file: --plugin-path, the file's own run.plugin_path, the usual ones.
// Throws Error if the file cannot be read.
std::vector<std::filesystem::path> experiment_plugin_folders(const RunOptions& options);

// Does what is missing of an experiment file: trials that are done are skipped, interrupted ones go on from their
// newest checkpoint. Words and progress go to stderr, the experiment's summary table to `out`. The first SIGINT,
// SIGTERM, SIGUSR1 or other signal of StopSignals checkpoints and stops, the second kills the workers at once. To be
// called from the main thread, before any other thread is started (it blocks those signals while it runs).
int run_verb(const RunOptions& options, std::ostream& out);

// The same for everything open of an experiment in the store: what its newest sweep's text has, and the trials of
// earlier ones and of `tell`, by their own configs.
int resume_verb(const RunOptions& options, std::ostream& out);

// Evaluates trials that are trained, by their own [evaluation] and [reference] with options.overrides. The plugins are
// those that `resume` would take. Exit codes as those of `run`.
int evaluate_verb(const RunOptions& options, const std::vector<store::TrialId>& trials, std::ostream& out);

// Runs trials whose parameters come as lines of JSON by one descriptor, and answers each with a line to another, until
// the input ends: told_trials.h. Exit codes and signals as those of `run`.
int tell_verb(const RunOptions& options, int input, int output);

// Says what `run` would do with each trial; shows at most so many of them, 0: all. Writes nothing.
int plan_verb(const RunOptions& options, std::ostream& out, std::size_t most = 20);

// `plan --origin`: every value of the experiment and where it was written. Writes nothing.
int plan_origin_verb(const RunOptions& options, Format format, std::ostream& out);

}  // namespace marginalia
