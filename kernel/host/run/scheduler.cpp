#include "kernel/host/run/scheduler.h"

#include <marginalia/error.h>
#include <poll.h>

#include <algorithm>

#include "kernel/host/run/blame.h"
#include "kernel/host/run/hooks.h"
#include "kernel/host/run/memory_events.h"
#include "kernel/host/run/station.h"

namespace marginalia {
namespace {

constexpr auto stop_patience = std::chrono::seconds(120);  // for trials asked to checkpoint and stop
constexpr int tick_milliseconds = 100;                     // time limits and the display need no finer clock
constexpr auto start_pause = std::chrono::seconds(1);      // after a worker that could not be started

}  // namespace

Scheduler::Scheduler(store::Writer& writer, Progress& progress, StopSignals& signals, ScheduleOptions options)
    : writer_(writer), progress_(progress), signals_(signals), options_(std::move(options)) {
    make_stations();
    claimer_.emplace(writer_, options_.stop.is_median() ? options_.stop.metric : "");
    rungs_.emplace(writer_, options_.stop, options_.sweep, options_.steps);
}

// All at once, so that they end side by side.
Scheduler::~Scheduler() {
    for (const auto& station : stations_)
        if (station->worker) station->worker->kill();
}

void Scheduler::adopt(ReadyWorker ready) {
    catalogue_ = std::move(ready.catalogue);
    for (auto& station : stations_) {
        const bool sees_only_it = station->slot.device == "cuda:0" && ready.torch.cuda_devices == 1;
        if (!ready.worker || (placement_->device(station->device).visible && !sees_only_it)) continue;
        station->worker = std::move(ready.worker);
        station->ready = true;
        station->kills_before = out_of_memory_kills();
    }
}

ScheduleResult Scheduler::run(std::deque<Job> jobs, const std::deque<Job>& others,
                              const std::vector<store::TrialId>& elsewhere) {
    queue_ = std::move(jobs);
    note_all(others);
    trials_.insert(elsewhere.begin(), elsewhere.end());
    elsewhere_ = {elsewhere.begin(), elsewhere.end()};
    for (Job& job : queue_)
        if (job.waits) rungs_->add_waiting(job);
    std::erase_if(queue_, [](const Job& job) { return job.waits; });
    prepare_rule();
    if (placement_->asks_memory()) {
        measure(true);
        say_unmeasured();
    }
    while (true) {
        take_signals();
        heed_store();
        take_more();
        tend_rungs();
        beat();
        assign();
        if (!busy()) break;
        feed_workers();
        tend_workers();
        wait_for_events();
        keep_logs();
        check_clocks();
        check_budget();
        check_store();
        if (source_) source_->at_hand(at_hand());
        show();
    }
    progress_.clear();
    result_.store = writer_.file();
    result_.waiting = rungs_->waiting();
    std::erase_if(result_.told, [this](store::TrialId trial) { return unsaid_failures_.contains(trial); });
    return result_;
}

ScheduleResult Scheduler::run(TrialSource& source) {
    source_ = &source;
    return run(std::deque<Job>());
}

bool Scheduler::busy() const {
    const bool unwritten = !store_is_lost_ && (!unsaid_.empty() || writer_.waiting_bytes() > 0);
    const bool undecided = !store_is_lost_ && !stopping_ && rungs_->is_deciding();
    return more_to_come() || unwritten || undecided || !queue_.empty() || !elsewhere_.empty() || anyone_busy();
}

bool Scheduler::anyone_busy() const {
    return std::ranges::any_of(stations_, [](const auto& station) { return !station->idle(); });
}

// What there may be to run, and what of it is to be run now.
void Scheduler::note_all(const std::deque<Job>& others) {
    std::deque<Job> all = queue_;
    all.insert(all.end(), others.begin(), others.end());
    placement_->note(all);
    std::vector<store::TrialId> trials;
    for (Job& job : all) {
        trials.push_back(job.trial);
        all_.emplace(job.trial, std::move(job));
    }
    for (Job& job : queue_) {
        trials_.insert(job.trial);
        job.memory = all_.at(job.trial).memory;
    }
    watch_.emplace(writer_, trials);
}

// Workers that have ended, and stations that need one.
void Scheduler::tend_workers() {
    for (auto& station : stations_) {
        if (station->leaving && station->leaving->ended()) {
            station->leaving.reset();
            room_changed_ = true;
        }
        if (station->worker && station->worker->ended()) worker_ended(*station);
        const bool wants_one =
            !station->idle() && !station->worker && !station->leaving && station->claim_error.empty();
        if (wants_one && Clock::now() >= station->start_at) start_worker_at(*station);
    }
}

void Scheduler::start_worker_at(Station& station) {
    try {
        station.worker = std::make_unique<WorkerProcess>(
            worker_program(),
            WorkerPlace{station.place().threads, placement_->device(station.device).visible, processors_for(station)});
    } catch (const Error& error) {  // of processes, memory or descriptors there may be more in a moment
        station.start_at = Clock::now() + start_pause;
        return worker_not_started(station, error.what());
    }
    station.kills_before = out_of_memory_kills();
    open_plugins(station);
}

std::vector<std::string> Scheduler::plugin_files(const Job& job) const {
    std::vector<std::string> files;
    for (const auto& [table, chosen] : job.config->config.items()) {
        if (!chosen.is_object() || !chosen.contains("plugin")) continue;
        const PluginManifest* plugin = catalogue_.find(kind_of_table(table), chosen.at("plugin").get<std::string>());
        if (plugin) files.push_back(plugin->path);
    }
    return files;
}

// Has the worker open what the trial at hand names and what is not open there yet. A trial that finds other plugins
// open may owe them a failure.
void Scheduler::open_plugins(Station& station) {
    std::vector<std::string> files = plugin_files(*station.job);
    std::erase_if(files, [&](const std::string& file) { return station.plugin_files.contains(file); });
    if (files.empty() && (station.ready || station.lists_due > 0)) return;
    station.after_others = !station.plugin_files.empty();
    station.plugin_files.insert(files.begin(), files.end());
    station.ready = false;
    station.loading.clear();
    ++station.lists_due;
    station.loading_since = Clock::now();
    station.worker->send(Command::catalogue, encode_files(files));
}

void Scheduler::wait_for_events() {
    std::vector<pollfd> entries = {{signals_.descriptor(), POLLIN, 0}, {claimer_->descriptor(), POLLIN, 0}};
    std::vector<Station*> readers;
    if (more_to_come()) entries.push_back({source_->descriptor(), POLLIN, 0});
    const bool store_behind = store_is_behind();
    const bool only_store_left = queue_.empty() && elsewhere_.empty() && !anything_started() && !more_to_come();
    const auto before = Clock::now();
    if (store_behind) read_since_ = before;
    for (auto& station : stations_) {
        if (station->leaving) entries.push_back({station->leaving->end_descriptor(), POLLIN, 0});
        if (!station->worker) continue;
        WorkerProcess& worker = *station->worker;
        entries.push_back({worker.end_descriptor(), POLLIN, 0});
        entries.push_back({worker.output().descriptor(), POLLIN, 0});
        if (worker.has_unsent()) entries.push_back({worker.command_descriptor(), POLLOUT, 0});
        if (store_behind) continue;
        entries.push_back({worker.record_descriptor(), POLLIN, 0});
        readers.push_back(station.get());
    }
    const int happened =
        ::poll(entries.data(), entries.size(), store_behind || only_store_left ? 5 : tick_milliseconds);
    if (store_behind)  // which is not the trials' time
        for (auto& station : stations_) station->shown.started += Clock::now() - before;
    if (happened <= 0) return;

    claimer_->heard();
    take_claims();
    take_pieces();
    for (auto& station : stations_) {
        if (!station->worker) continue;
        station->worker->output().take();
        if (station->worker->has_unsent()) station->worker->write_some();
    }
    for (const pollfd& entry : entries) {
        if (!(entry.revents & (POLLIN | POLLHUP | POLLERR))) continue;
        for (Station* station : readers)
            if (station->worker && station->worker->record_descriptor() == entry.fd) hear(*station, false);
    }
}

// What a worker has sent; `rest`: it has ended, and this is all.
void Scheduler::hear(Station& station, bool rest) {
    const auto take = [&](RecordType type, std::string_view payload) { take_record(station, type, payload); };
    try {
        if (rest) station.worker->read_rest(take);
        else station.worker->read_some(take);
        if (station.retired) station.drop_worker();
    } catch (const nlohmann::json::exception&) {
        worker_babbles(station, "text that is not the JSON it should be");
    } catch (const std::exception& error) {  // of the bytes that it sent: ours are kept from plugins
        worker_babbles(station, error.what());
    }
}

void Scheduler::stop_all(const std::string& why) {
    if (stopping_) return;
    stopping_ = true;
    stopped_at_ = Clock::now();
    stop_deadline_ = stopped_at_ + stop_patience;
    queue_.clear();  // they stay queued in the store
    elsewhere_.clear();
    for (auto& station : stations_) {
        if (station->started) station->worker->send(Command::stop);
        else if (station->claim) trial_preempted(*station);
    }
    if (busy() && !why.empty()) progress_.line(why);
}

void Scheduler::take_claims() {
    while (auto claim = claimer_->take()) {
        Station& station = *stations_[claim->slot];
        station.claim = std::move(*claim);
        if (station.claim->store_failed) {
            store_failed(station.claim->error);
            vacate(station);
            continue;
        }
        if (station.claim->error.empty()) station.claim->error = station.claim_error;
        if (!station.claim->ours && station.claim->error.empty()) {
            went_elsewhere(station);
        } else if (!station.claim->error.empty()) {
            trial_cannot_start(station, station.claim->error);
        } else {
            station.shown.claimed = station.claim->at;
            station.shown.seconds_before = station.claim->seconds_before;
            if (station.claim->checkpoint) station.kept_step = station.claim->checkpoint->step;
            if (!goes_on(station)) trial_preempted(station);
            else start_if_ready(station);
        }
    }
}

void Scheduler::start_if_ready(Station& station) {
    if (!station.ready || !station.claim || station.worker->ended()) return;
    const TrialConfig& config = *station.job->config;
    const std::string plugins = plugins_of(config.config);
    station.plugin_sets.insert(plugins);
    station.after_others = station.plugin_sets.size() > 1;
    station.ticket = tickets_();
    Job& job = *station.job;
    job.standing = std::move(station.claim->standing);
    job.setback = std::move(station.claim->setback);
    station.stop_at = job.trained ? 0 : next_rung(job.standing, rungs_->steps());
    if (MedianRule* const median = median_of(job.trial); median && !job.trained)
        median->begin(job.trial, station.claim->curve);
    TrialRequest request{.settings = config.config,
                         .seed = config.seed,
                         .ticket = station.ticket,
                         .device = station.slot.torch_device(),
                         .threads = station.place().threads,
                         .checkpoint_seconds = options_.checkpoint_seconds,
                         .exact_seconds = options_.exact_seconds,
                         .micro_batch = station.job->micro_batch,
                         .evaluate = station.job->trained,
                         .stop = options_.stop,
                         .stop_at = station.stop_at,
                         .rate = job.setback.rate};
    ArchiveSizes sizes;
    if (const auto& checkpoint = station.claim->checkpoint) {
        sizes.checkpoint = static_cast<std::uint64_t>(checkpoint->bytes);
        station.feeds.push_back({*checkpoint});
    }
    if (const auto& start = station.claim->start_from) {
        sizes.start_from = static_cast<std::uint64_t>(start->bytes);
        station.feeds.push_back({*start});
    }
    station.worker->output().take_rest();
    station.log_place = station.logged = station.worker->output().size();
    station.log_attempt = station.claim->attempt > 1 && !station.job->trained ? station.claim->attempt : 0;
    station.worker->send(Command::trial, encode_trial_head(request, sizes));
    station.started = true;
    station.shown.started = Clock::now();
    station.claim.reset();
}

void Scheduler::show() {
    if (options_.hooks)
        for (const std::string& line : options_.hooks->take_lines()) progress_.line(line);
    std::vector<const RunningTrial*> running;
    for (const auto& station : stations_)
        if (station->job) running.push_back(&station->shown);
    progress_.show(running, {trials_.size(), result_.done + result_.elsewhere.size(), result_.failed, result_.pruned});
}

}  // namespace marginalia
