// The plugins there are, as a worker process has seen them, now or when they were built: the host program itself never
// opens one.
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

// A worker ready for trials, what it said of itself, and the plugins there are.
struct ReadyWorker {
    std::unique_ptr<WorkerProcess> worker;
    PluginCatalogue catalogue;
    TorchReport torch;
    int stopped_by = 0;  // a signal that came before it was ready
};

// Lists the plugins in `folders` as fetch_catalogue() does; the answer has no worker. Where a signal comes first, it
// says which.
ReadyWorker list_plugins(const std::vector<std::filesystem::path>& folders, const WorkerPatience& patience = {},
                         StopSignals* signals = nullptr);

// Starts a worker, which has no plugin open: it opens those of its trials, which are of this catalogue. Throws Error if
// the worker program cannot be started. Where a signal comes first, the answer says which.
ReadyWorker start_worker(PluginCatalogue catalogue, int threads, const WorkerPatience& patience = {},
                         StopSignals* signals = nullptr);

// The list. What is known of a file that has not changed is taken from the user's cache (CatalogueCache), and a worker
// is started only to open the others. A plugin that kills that worker while it is loaded, or does not come to an end
// with it, becomes an entry of `failures`. Where two files have one kind and name, the first in order of search wins,
// and the other is a failure.
PluginCatalogue fetch_catalogue(const std::vector<std::filesystem::path>& folders, const WorkerPatience& patience = {});

// What the user's cache knows of the files that have not changed; nothing is started and nothing written. For
// completion, which must not wait.
PluginCatalogue remembered_catalogue(const std::vector<std::filesystem::path>& folders);

// The same by opening every file anew, in the worker that is returned, and keeps what it finds: for `doctor`.
ReadyWorker try_all_plugins(const std::vector<std::filesystem::path>& folders);

// The worker program: MARGINALIA_WORKER, else marginalia-worker beside the running program.
std::filesystem::path worker_program();

}  // namespace marginalia
