// The body of a worker process: loads plugins, runs trials one after another, tells the host what they record.
#pragma once

#include <functional>

#include "kernel/wire/recorder.h"
#include "kernel/wire/torch_report.h"
#include "kernel/worker/process_state.h"

namespace marginalia {

// What a worker program brings with it, so that this library needs no LibTorch.
struct WorkerRuntime {
    std::function<TrialOutcome(TrialRequest, const PluginHost&, Recorder&)> run_trial;
    TorchReport torch;
    std::function<ProcessState::Facts()> settings;  // LibTorch's, which trials must leave as they are; may be null
};

// How the host starts a worker: PROGRAM --pipes COMMAND_FD RECORD_FD --threads N.
struct WorkerArguments {
    int command_descriptor = -1;
    int record_descriptor = -1;
    int threads = 1;
};
// Throws Error where they are not as above: nobody starts a worker by hand.
WorkerArguments parse_worker_arguments(int argc, char** argv);

// First thing in main: the process and its children end with the thread that started it; it ignores the signals that
// the host handles and writes the libraries on its stack to stderr when it crashes.
void prepare_worker_process();

// Ends this process and all of its group, if it leads one, at once.
[[noreturn]] void end_worker_group();

// Serves the host until it closes the pipe or vanishes: the process then ends at once, even in the midst of training.
// Trials run on the calling thread.
[[noreturn]] void serve(const WorkerArguments& arguments, const WorkerRuntime& runtime);

}  // namespace marginalia
