// Which trial goes to which slot, and what becomes of trials that find no memory there and of devices that fail.
#include <fmt/format.h>

#include <algorithm>

#include "kernel/host/results/text.h"
#include "kernel/host/run/processors.h"
#include "kernel/host/run/scheduler.h"
#include "kernel/host/run/station.h"

namespace marginalia {
namespace {

constexpr auto between_measurements = std::chrono::milliseconds(200);
constexpr auto waiting_notice = std::chrono::seconds(3);  // for memory that others have

std::string memory_text(std::int64_t bytes) {
    return bytes_text(static_cast<std::uint64_t>(std::max<std::int64_t>(0, bytes)));
}

}  // namespace

void Scheduler::make_stations() {
    std::vector<Place> places;
    int threads = 0;
    for (const Slot& slot : options_.slots) {
        const auto is_it = [&](const Place& place) { return place.device.name == slot.device; };
        auto place = std::ranges::find_if(places, is_it);
        if (place == places.end()) {
            const auto known = std::ranges::find(options_.devices, slot.device, &Device::name);
            Device device = known == options_.devices.end() ? Device{slot.device} : *known;
            const auto measured = meter_.memory(device);
            if (device.hardware.memory == 0 && measured) device.hardware.memory = measured->total;
            const std::int64_t memory = device.is_cpu() ? available_memory() : device.hardware.memory;
            place = places.insert(places.end(), Place{std::move(device), memory});
        }
        ++place->slots;
        stations_.push_back(std::make_unique<Station>());
        stations_.back()->slot = slot;
        stations_.back()->index = stations_.size() - 1;
        stations_.back()->device = static_cast<std::size_t>(place - places.begin());
        threads += slot.threads;
    }
    placement_.emplace(std::move(places), std::max(threads, available_cores()), options_.whole_by_default);
}

void Scheduler::measure(bool without_us) {
    for (std::size_t device = 0; device < placement_->size(); ++device) {
        const auto now = meter_.memory(placement_->device(device));
        const auto has_worker = [&](const auto& station) {
            return station->device == device && (station->worker || station->leaving);
        };
        if (now) placement_->pool().observe(device, *now, without_us || std::ranges::none_of(stations_, has_worker));
    }
}

void Scheduler::say_unmeasured() {
    for (std::size_t device = 0; device < placement_->size(); ++device)
        if (placement_->device(device).name.starts_with("cuda:") && !meter_.memory(placement_->device(device)))
            return progress_.line("how much memory of " + placement_->device(device).text() +
                                  " is free cannot be measured, as the driver's libnvidia-ml.so.1 is not there or does "
                                  "not know it; what trials ask for is all that counts");
}

// The emptiest device first, so that few trials share none.
void Scheduler::assign() {
    const auto now = Clock::now();
    if (queue_.empty() || (!room_changed_ && now < look_again_at_)) return;
    const DevicePool& pool = placement_->pool();
    if (pool.all_retired()) return no_device_left();
    room_changed_ = false;
    look_again_at_ = now + between_measurements;
    if (placement_->asks_memory()) measure(false);
    std::vector<Station*> idle;
    for (const auto& station : stations_)
        if (station->idle() && !pool.retired(station->device)) idle.push_back(station.get());
    while (!queue_.empty() && !idle.empty()) {
        const auto trials = [&](const Station* station) { return pool.trials(station->device); };
        const auto emptiest = std::ranges::min_element(idle, {}, trials);
        Station& station = **emptiest;
        idle.erase(emptiest);
        const auto next = placement_->next_for(queue_, station.device, station.slot.threads, station.held);
        if (next.job != queue_.end()) give(station, next.job);
        else if (next.memory_is_held) drop_idle_workers(station.device);
    }
    if (queue_.empty() || std::ranges::any_of(stations_, [](const auto& station) { return !station->idle(); })) {
        stuck_since_ = now;
    } else if (!stuck_said_ && now - stuck_since_ > waiting_notice) {
        stuck_said_ = true;
        progress_.line("waiting for memory: other programs have what " + count_text(queue_.size(), "trial") + " need" +
                       (queue_.size() == 1 ? "s" : "") + " of the devices");
    }
}

void Scheduler::give(Station& station, std::deque<Job>::iterator next) {
    station.job = std::move(*next);
    queue_.erase(next);
    Job& job = *station.job;
    station.ask = placement_->ask_of(job, station.device, station.slot.threads);
    placement_->take(job, station.device, station.ask);
    if (!placement_->has_a_device(job)) station.claim_error = words_on_no_device(job);
    station.shown = RunningTrial(job, station.slot.device);
    station.shown.latest = job.latest;
    claimer_->ask(station.index, job, station.place(), placement_->device(station.device).hardware);
    const bool other_threads = station.worker && station.worker->threads() != station.place().threads;
    if (other_threads || (job.fresh && !station.plugin_sets.empty())) station.drop_worker();
    if (station.ask.alone) drop_idle_workers(station.device);
    if (!station.worker) return;
    if (station.worker->place().processors.empty()) station.worker->keep_on(processors_for(station));
    open_plugins(station);
}

// Their processes keep what their last trials had of the device.
void Scheduler::drop_idle_workers(std::size_t device) {
    for (const auto& station : stations_)
        if (station->device == device && station->idle()) station->drop_worker();
}

// The trial at hand has left it.
void Scheduler::vacate(Station& station) {
    keep_last_words(station);
    if (station.job) placement_->pool().give_back(station.device, station.ask);
    station.held = station.ask.memory;
    station.drop_job();
    room_changed_ = true;
    rungs_->look_again();
}

// Processors that no other worker is kept on.
std::vector<int> Scheduler::processors_for(const Station& station) const {
    std::vector<int> free = options_.processors;
    for (const auto& other : stations_)
        if (other->worker && other.get() != &station)
            for (const int taken : other->worker->place().processors) std::erase(free, taken);
    const auto wanted = static_cast<std::size_t>(station.place().threads);
    if (free.size() < wanted) return {};
    free.resize(wanted);
    return free;
}

std::string Scheduler::words_on_no_device(const Job& job) const {
    const DevicePool& pool = placement_->pool();
    std::int64_t most = 0;
    for (std::size_t device = 0; device < placement_->size(); ++device)
        if (!pool.retired(device)) most = std::max(most, pool.memory(device));
    return fmt::format(
        "[resources] memory asks for {}, and no device of this run has more than {}; ask for less, or "
        "name larger devices in run.device",
        memory_text(job.memory), memory_text(most));
}

void Scheduler::no_device_left() {
    result_.devices_lost = true;
    progress_.line(count_text(queue_.size(), "trial") +
                   " left, and no device that works: when there is one, the same command goes on");
    stop_all("");
}

// "; it asked for 6.0 GB of cuda:1 (NVIDIA H200), of whose 150 GB 2.0 GB were free"
std::string Scheduler::words_on_memory(const Station& station) const {
    const Device& device = placement_->device(station.device);
    const std::int64_t whole = placement_->pool().memory(station.device), asked = station.job->memory;
    if (whole == 0 || (device.is_cpu() && asked == 0)) return {};
    std::string words = asked > 0 ? "; it asked for " + memory_text(asked) + " of " + device.text()
                                  : "; it asked for nothing ([resources] memory) and had a share of " +
                                        memory_text(station.ask.memory) + " of " + device.text();
    words += ", of whose " + memory_text(whole);
    if (const auto now = meter_.memory(device)) return words + " " + memory_text(now->free) + " were free";
    return words + " " + memory_text(placement_->pool().promised(station.device)) + " were promised to trials";
}

void Scheduler::trial_out_of_memory(Station& station, const std::string& reason) {
    const std::string words = reason + words_on_memory(station);
    const std::string other_way = !goes_on(station) ? "" : way_with_less_memory(station);
    if (other_way.empty()) return trial_failed(station, store::Status::oom, words);
    Job job = std::move(*station.job);
    vacate(station);
    set_status(job.trial, store::Status::oom, words);
    progress_.line("trial " + std::to_string(job.trial) + " (" + job.label + ") failed: " + words + "; trying again " +
                   other_way);
    put_back(std::move(job));
}

// How the trial is tried again after it has run out of memory; empty: it has had all there is.
std::string Scheduler::way_with_less_memory(Station& station) {
    Job& job = *station.job;
    if (placement_->give_more_memory(job, station.device, station.ask))
        return job.memory > 0 ? "with " + memory_text(job.memory) : "alone on a device";
    const std::int64_t now = job.micro_batch > 0 ? job.micro_batch : train_of(job.config->config).micro_batch;
    if (job.trained || now < 2) return {};
    job.micro_batch = now / 2;
    return "with passes of " + count_text(static_cast<std::size_t>(job.micro_batch), "row") + " at most";
}

DeviceFault Scheduler::fault_of(const Station& station, std::string_view text) {
    return station.slot.device == "cpu" ? DeviceFault::none : device_fault(text);
}

// The trial goes on elsewhere, from its checkpoint.
void Scheduler::device_failed(Station& station, DeviceFault fault, const std::string& reason) {
    const Device& device = placement_->device(station.device);
    std::vector<bool> retired;
    for (std::size_t i = 0; i < placement_->size(); ++i) retired.push_back(placement_->pool().retired(i));
    const std::string before = station.job->broke;
    station.retired = true;  // no process can use a device again after such an error
    const bool sure = station.device_lost || meter_.is_lost(device);
    if (placement_->device_failed(*station.job, station.device, fault, sure) == Placement::Blame::job) {
        for (std::size_t i = 0; i < retired.size(); ++i)
            if (retired[i] && !placement_->pool().retired(i))
                progress_.line(placement_->device(i).text() + " is used again: it was a trial's fault");
        return trial_failed(station, store::Status::failed,
                            reason + "; the same became of it on " + before + ", so its own code is at fault");
    }
    if (!retired[station.device] && placement_->pool().retired(station.device)) {
        progress_.line(device.text() + " gets no more trials: " + reason);
        drop_idle_workers(station.device);
    }
    trial_lost(station, device.text() + " failed: " + reason);
}

}  // namespace marginalia
