// A slot at work: its worker, its trial and what became of them. Internal to the scheduler.
#pragma once

#include <map>
#include <memory>
#include <optional>

#include "kernel/schedule/scheduler.h"

namespace marginalia {

struct Scheduler::Station {
    Slot slot;
    std::size_t index = 0;

    std::unique_ptr<WorkerProcess> worker;
    bool ready = false;                          // the worker has loaded its plugins
    bool retired = false;                        // to be replaced
    std::string loading;                         // plugin file that it is loading
    std::map<std::uint32_t, std::string> names;  // metric names that it has announced
    std::int64_t kills_before = 0;               // processes killed for lack of memory before it started

    std::optional<Job> job;
    std::optional<Claim> claim;        // has arrived, the trial not yet started
    std::string claim_error;           // why the trial cannot start once its claim arrives
    bool started = false;              // the worker has the trial
    std::uint64_t ticket = 0;          // by which it says that it ended
    std::int64_t log_place = 0;        // where the trial's output begins
    std::optional<store::Status> killed_as;  // we killed the worker; what the trial is then
    RunningTrial shown;

    // Where the trial at hand runs.
    Slot place() const { return {slot.device, job && job->threads > 0 ? job->threads : slot.threads}; }
    bool idle() const { return !job; }

    void drop_worker() {
        worker.reset();
        ready = retired = false;
        loading.clear();
        names.clear();
        killed_as.reset();
    }
    void drop_job() {
        job.reset();
        claim.reset();
        claim_error.clear();
        started = false;
    }
};

}  // namespace marginalia
