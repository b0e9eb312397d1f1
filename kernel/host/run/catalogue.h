// The plugins there are, as a worker process sees them: the host program itself never opens one.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "kernel/host/run/signals.h"
#include "kernel/host/run/worker_process.h"
#include "kernel/spec/schema.h"
#include "kernel/wire/torch_report.h"

namespace marginalia {

// A worker that has loaded its plugins, ready for trials, and what it said of itself.
struct ReadyWorker {
    std::unique_ptr<WorkerProcess> worker;
    PluginCatalogue catalogue;
    TorchReport torch;
    int stopped_by = 0;  // a signal that came before it was ready
};

// Starts a worker and lists the plugins in `folders`. A plugin that kills its worker while it is loaded, or does not
// come to an end with it, becomes an entry of `failures`, and a new worker starts without it. Throws Error if the
// worker program cannot be started. Where a signal comes first, the answer says which.
ReadyWorker start_worker(const std::vector<std::filesystem::path>& folders, int threads,
                         const WorkerPatience& patience = {}, StopSignals* signals = nullptr);

// Only the list; the worker ends.
PluginCatalogue fetch_catalogue(const std::vector<std::filesystem::path>& folders, const WorkerPatience& patience = {});

// The worker program: MARGINALIA_WORKER, else marginalia-worker beside the running program.
std::filesystem::path worker_program();

}  // namespace marginalia
