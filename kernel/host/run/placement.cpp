#include "kernel/host/run/placement.h"

#include <algorithm>
#include <tuple>

namespace marginalia {
namespace {

constexpr int most_passes = 2;           // rounds of all slots in which others go before one that needs more room
constexpr std::size_t most_strikes = 2;  // jobs in a row under which a device fails before it is given up
constexpr int most_device_failures = 2;  // under one job before that is at fault

std::vector<std::int64_t> memory_of(const std::vector<Place>& places) {
    std::vector<std::int64_t> memory;
    for (const Place& place : places) memory.push_back(place.memory);
    return memory;
}

}  // namespace

Placement::Placement(std::vector<Place> places, int cores, bool whole_by_default)
    : places_(std::move(places)), pool_(memory_of(places_), cores), whole_by_default_(whole_by_default),
      strikes_(places_.size()), surely_gone_(places_.size(), false) {
    for (const Place& place : places_) slots_ += place.slots;
}

void Placement::note(std::deque<Job>& jobs) {
    for (Job& job : jobs) {
        const ResourceSettings& asked = job.config->resources;
        job.memory = bytes_of(asked.memory).value_or(0);
        asks_memory_ = asks_memory_ || job.memory > 0;
        asks_differ_ = asks_differ_ || !(asked == jobs.front().config->resources);
    }
}

// Of a trial that says nothing its share of the device; that of the CPU is its cores.
Ask Placement::ask_of(const Job& job, std::size_t device, int threads) const {
    const ResourceSettings& asked = job.config->resources;
    const std::int64_t whole = pool_.memory(device);
    Ask ask{.memory = job.memory, .fraction = asked.fraction, .alone = job.alone, .measured = job.memory > 0};
    ask.cores = job.threads > 0 ? job.threads : asked.cores > 0 ? static_cast<int>(asked.cores) : threads;
    if (ask.memory == 0 && ask.fraction == 0 && !places_[device].device.is_cpu())
        ask.fraction = whole_by_default_ ? 1 : 1 / static_cast<double>(places_[device].slots);
    if (ask.memory == 0) ask.memory = static_cast<std::int64_t>(ask.fraction * static_cast<double>(whole));
    if (whole > 0 && ask.memory >= whole) {
        ask.alone = true;
        ask.measured = false;  // the driver itself has some
    }
    return ask;
}

bool Placement::has_a_device(const Job& job) const {
    for (std::size_t device = 0; device < size(); ++device)
        if (pool_.could_hold(device, {.memory = job.memory})) return true;
    return false;
}

// A trial that broke one device takes another, where there is another that can hold it.
bool Placement::avoids(const Job& job, std::size_t device) const {
    if (job.broke != places_[device].device.name) return false;
    for (std::size_t other = 0; other < size(); ++other)
        if (other != device && pool_.could_hold(other, {.memory = job.memory})) return true;
    return false;
}

// Of the jobs that find room those first that have been begun, then those that ask for most: what is small fits in
// later. Where one has been passed over for long, a device is kept for it.
Placement::Choice Placement::next_for(std::deque<Job>& queue, std::size_t device, int threads, std::int64_t held) {
    const auto key = [](const Job& job, const Ask& ask) { return std::tuple(job.begun, ask.memory, ask.cores); };
    Choice best{queue.end()};
    auto first = queue.end();
    Ask best_ask, first_ask;
    for (auto job = queue.begin(); job != queue.end(); ++job) {
        if (!has_a_device(*job)) return {job};
        if (reserved_ && reserved_->device == device && reserved_->trial != job->trial) continue;
        if (avoids(*job, device)) continue;
        const Ask ask = ask_of(*job, device, threads);
        if (first == queue.end() || key(*job, ask) > key(*first, first_ask)) first = job, first_ask = ask;
        if (best.job != queue.end() && key(*job, ask) <= key(*best.job, best_ask)) continue;
        if (!pool_.has_room(device, ask)) continue;
        if (!pool_.is_free(device, ask, held)) {
            best.memory_is_held = true;
            continue;
        }
        best.job = job;
        best_ask = ask;
        if (!asks_differ_) break;
    }
    if (best.job != first && best.job != queue.end()) pass_over(*first, device);
    return best;
}

void Placement::pass_over(Job& job, std::size_t device) {
    if (reserved_ || ++job.passed <= most_passes * slots_) return;
    if (pool_.could_hold(device, {.memory = job.memory})) reserved_ = {device, job.trial};
}

void Placement::take(const Job& job, std::size_t device, const Ask& ask) {
    if (reserved_ && reserved_->trial == job.trial) reserved_.reset();
    pool_.take(device, ask);
}

bool Placement::give_more_memory(Job& job, std::size_t device, const Ask& ask) {
    if (places_[device].device.is_cpu() && job.memory == 0) return false;
    std::int64_t most = 0;
    for (std::size_t other = 0; other < size(); ++other)
        if (!pool_.retired(other)) most = std::max(most, pool_.memory(other));
    if (most == 0) {
        if (job.alone || pool_.trials(device) < 2) return false;
        job.alone = true;
    } else {
        if (ask.memory >= most) return false;
        job.memory = std::min(most, 2 * ask.memory);
        asks_memory_ = true;
    }
    asks_differ_ = true;
    return true;
}

// The last device is not given up on a text's word: a new worker will see whether it is there.
Placement::Blame Placement::device_failed(Job& job, std::size_t device, DeviceFault fault, bool sure) {
    if (!sure && ++job.device_failures >= most_device_failures) {
        acquit_devices(job.trial);
        return Blame::job;
    }
    strikes_[device].insert(job.trial);
    job.broke = places_[device].device.name;
    bool others = false;
    for (std::size_t other = 0; other < size(); ++other) others |= other != device && !pool_.retired(other);
    const bool given_up = strikes_[device].size() >= most_strikes || (fault == DeviceFault::lost && others);
    surely_gone_[device] = surely_gone_[device] || sure;
    if (sure || given_up) retire(device);
    return Blame::device;
}

void Placement::retire(std::size_t device) {
    pool_.retire(device);
    if (reserved_ && reserved_->device == device) reserved_.reset();
}

void Placement::acquit_devices(store::TrialId trial) {
    for (std::size_t device = 0; device < size(); ++device) {
        const bool was_blamed = strikes_[device].erase(trial) > 0;
        if (was_blamed && strikes_[device].size() < most_strikes && !surely_gone_[device]) pool_.restore(device);
    }
}

}  // namespace marginalia
