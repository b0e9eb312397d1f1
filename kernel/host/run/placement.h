// Which of the trials that wait a slot takes next, and what lack of memory and failures of devices change about that.
// Knows no process: the scheduler asks, and says what became of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "kernel/host/run/device_faults.h"
#include "kernel/host/run/device_pool.h"
#include "kernel/host/run/devices.h"
#include "kernel/host/run/job.h"

namespace marginalia {

// A device and what the run makes of it.
struct Place {
    Device device;
    std::int64_t memory = 0;  // bytes; 0: not known
    int slots = 0;            // on it
};

// Not thread-safe.
class Placement {
public:
    // `cores`: of the machine. `whole_by_default`: a trial that does not say what it needs has a device for itself,
    // else it has a slot's share.
    Placement(std::vector<Place> places, int cores, bool whole_by_default);

    // To be called once with all jobs before the first is placed: reads what they ask for.
    void note(std::deque<Job>& jobs);

    // What the job asks of a device; `threads`: of a slot there.
    Ask ask_of(const Job& job, std::size_t device, int threads) const;
    // false: no device that works could hold it, even with nothing else to do.
    bool has_a_device(const Job& job) const;

    // `job` is the end where none finds room; one that has no device at all comes first. `memory_is_held`: there is one
    // that would find room if what ended trials have had were free already. `held`: see DevicePool::is_free.
    struct Choice {
        std::deque<Job>::iterator job;
        bool memory_is_held = false;
    };
    Choice next_for(std::deque<Job>& queue, std::size_t device, int threads, std::int64_t held);
    // It runs there from now on. Ask{} gives it back.
    void take(const Job& job, std::size_t device, const Ask& ask);

    // The job has run out of memory with this ask: it gets twice as much next time, up to a whole device; where nobody
    // knows how much that is, no neighbours. false: it has had all there is, and there is no next time.
    bool give_more_memory(Job& job, std::size_t device, const Ask& ask);

    // The use of the device has failed under the job; `sure`: the driver says that the device is gone, and not only an
    // error's text, which a plugin may have written. Says whose fault it is taken to be. A device that is lost is
    // retired, and so is one that has failed under two jobs in a row. A job under which two uses have failed is at
    // fault itself, and what was only said of devices because of it does not count.
    enum class Blame { device, job };
    Blame device_failed(Job& job, std::size_t device, DeviceFault fault, bool sure);
    void did_well(std::size_t device) { strikes_[device].clear(); }

    DevicePool& pool() { return pool_; }
    const DevicePool& pool() const { return pool_; }
    const Device& device(std::size_t index) const { return places_[index].device; }
    std::size_t size() const { return places_.size(); }
    bool asks_memory() const { return asks_memory_; }

private:
    bool avoids(const Job&, std::size_t device) const;
    void pass_over(Job&, std::size_t device);
    void retire(std::size_t device);
    void acquit_devices(store::TrialId trial);

    struct Reservation {
        std::size_t device;
        store::TrialId trial;
    };
    std::vector<Place> places_;
    DevicePool pool_;
    const bool whole_by_default_;
    int slots_ = 0;
    bool asks_memory_ = false, asks_differ_ = false;  // the jobs
    std::optional<Reservation> reserved_;             // a device that is kept for a trial
    std::vector<std::set<store::TrialId>> strikes_;   // of each, trials under which it failed since it last did well
    std::vector<bool> surely_gone_;
};

}  // namespace marginalia
