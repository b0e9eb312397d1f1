// What workers say, and how trials end.
#include <fmt/format.h>
#include <marginalia/files.h>

#include <algorithm>
#include <csignal>

#include "kernel/host/run/blame.h"
#include "kernel/host/run/hooks.h"
#include "kernel/host/run/scheduler.h"
#include "kernel/host/run/station.h"

namespace marginalia {
namespace {

constexpr std::size_t most_name = 1000, most_names = 100'000;  // of metrics, by one worker

// A note for the person who waits. It comes through a pipe that plugins can write to: one short line of text, no
// escapes.
std::string note_line(store::TrialId trial, std::string_view note) {
    std::string text(note.substr(0, 400));
    for (char& c : text)
        if (static_cast<unsigned char>(c) < ' ' || c == 127) c = ' ';
    return "trial " + std::to_string(trial) + ": " + text;
}

}  // namespace

void Scheduler::take_record(Station& station, RecordType type, std::string_view payload) {
    switch (type) {
        case RecordType::loading:
            station.loading = payload;
            station.loading_since = Clock::now();
            return;
        case RecordType::name: take_name(station, payload); return;
        case RecordType::catalogue: return plugins_opened(station, payload);
        default: break;
    }
    if (!station.started) throw Error("a record of a trial that it does not have");
    const store::TrialId trial = station.job->trial;
    switch (type) {
        case RecordType::metrics: take_metrics(station, payload); break;
        case RecordType::final_metric: {
            const auto value = take<double>(payload);
            station.shown.latest[std::string(payload)] = value;
            writer_.final_metric(trial, std::string(payload), value);
            break;
        }
        case RecordType::sample: take_sample(trial, payload); break;
        case RecordType::checkpoint_piece: take_checkpoint_piece(station, payload); break;
        case RecordType::checkpoint: take_checkpoint_end(station, payload); break;
        case RecordType::progress: {
            const auto done = take<std::int64_t>(payload);
            const auto total = take<std::int64_t>(payload);
            station.shown.advance(payload, done, total);
            break;
        }
        case RecordType::done:
            take_end(station, payload);
            trial_done(station);
            break;
        case RecordType::stopped:
            take_end(station, payload);
            if (station.pruned_for.empty()) trial_preempted(station);
            else trial_pruned(station);
            break;
        case RecordType::reached:
            take_end(station, payload);
            trial_reached(station);
            break;
        case RecordType::failed: take_failure(station, payload); break;
        default: throw Error("a record of type " + std::to_string(static_cast<int>(type)) + ", which is none");
    }
}

void Scheduler::plugins_opened(Station& station, std::string_view payload) {
    if (station.lists_due == 0) throw Error("a list of plugins that it was not asked for");
    const auto [opened, torch] = decoded<CatalogueAnswer>(payload);
    const bool sees_none = station.slot.device.starts_with("cuda:") && torch.cuda_devices == 0;
    station.ready = --station.lists_due == 0;
    station.retired = !opened.failures.empty();
    if (station.idle()) return;
    if (sees_none) {
        station.device_lost = true;
        return trial_cannot_start(station, torch.problem.empty() ? "a new worker finds no GPU there" : torch.problem);
    }
    const std::vector<std::string> needed = plugin_files(*station.job);
    for (const PluginFailure& failure : opened.failures)
        if (std::ranges::count(needed, failure.path) > 0)
            return trial_cannot_start(station, failure.path + ": " + failure.reason);
    if (!station.retired) start_if_ready(station);
}

void Scheduler::take_sample(store::TrialId trial, std::string_view payload) {
    const auto head = decoded<SampleHead>(take_text(payload, "a sample"));
    std::string data(payload);
    if (head.name == "note") progress_.line(note_line(trial, data));
    say_what_was_read(head.name, head.kind, data);
    writer_.sample(trial, head.name, head.step, head.kind, std::move(data));
}

void Scheduler::take_failure(Station& station, std::string_view payload) {
    const auto failure = decoded<TrialFailure>(payload);
    check_ticket(station, failure.ticket);
    station.retired = true;  // what is left of a failed trial in its process is anybody's guess
    const DeviceFault fault = fault_of(station, failure.message);
    if (fault != DeviceFault::none) return device_failed(station, fault, failure.message);
    if (failure.out_of_memory) return trial_out_of_memory(station, failure.message);
    if (failure.not_finite && tried_slower(station, failure.message)) return;
    trial_failed(station, store::Status::failed, failure.message);
}

// Of a dataset and an energy, once for all trials that read the same.
void Scheduler::say_what_was_read(const std::string& name, const std::string& kind, const std::string& text) {
    constexpr std::size_t most_bytes = 1000, most_lines = 20;
    if (kind != "text" || (name != "dataset" && name != "energy") || said_.size() >= most_lines) return;
    const std::string line = name + ": " + visible(text, most_bytes);
    if (said_.insert(line).second) progress_.note(line);
}

void Scheduler::check_ticket(const Station& station, std::uint64_t ticket) {
    if (ticket != station.ticket) throw Error("the end of another trial");
}

// What the trial left changed in its process comes with its end; the next trial must not find it.
void Scheduler::take_end(Station& station, std::string_view payload) {
    check_ticket(station, take<std::uint64_t>(payload));
    if (payload.empty()) return;
    if (!std::all_of(payload.begin(), payload.end(), [](char c) { return c >= ' ' && c <= '~'; }))
        throw Error("an end with bytes that are no text");
    station.retired = true;
    const std::string plugins = plugins_of(station.job->config->config);
    if (!told_changes_.insert(plugins + std::string(payload)).second) return;
    progress_.line("trial " + std::to_string(station.job->trial) + " (" + station.job->label +
                   ") left its worker changed: " + std::string(payload) +
                   "; the next trial gets a fresh one (plugins: " + plugins + ")");
}

void Scheduler::take_name(Station& station, std::string_view payload) {
    const auto id = take<std::uint32_t>(payload);
    if (payload.empty() || payload.size() > most_name || station.names.size() >= most_names)
        throw Error("a metric's name of " + std::to_string(payload.size()) + " bytes, the " +
                    std::to_string(station.names.size() + 1) + "th");
    station.names[id] = payload;
}

void Scheduler::take_metrics(Station& station, std::string_view payload) {
    std::vector<store::MetricPoint> points;
    points.reserve(payload.size() / sizeof(MetricEntry));
    while (!payload.empty()) {
        const auto entry = take<MetricEntry>(payload);
        const auto name = station.names.find(entry.name);
        if (name == station.names.end())
            throw Error("a point of metric " + std::to_string(entry.name) + ", which has no name");
        points.push_back({name->second, entry.step, entry.value, entry.time});
    }
    for (const auto& point : points) station.shown.latest[point.name] = point.value;
    compare_with_others(station, points);
    writer_.metrics(station.job->trial, std::move(points));
}

void Scheduler::trial_done(Station& station) {
    auto number = end_with(station, store::Status::done);
    Job& job = *station.job;
    placement_->did_well(station.device);
    if (job.trained) job.evaluations.pop_front();
    else if (MedianRule* const median = median_of(job.trial)) median->complete(job.trial);
    job.trained = true;
    job.threads = station.place().threads;  // with as many its evaluation has the same bits, wherever it is done
    for (; !job.evaluations.empty() && !has_figures_to_find(job.evaluations.front().config->config);
         job.evaluations.pop_front())
        number = evaluation_done(job.trial, job.evaluations.front().id);
    if (job.evaluations.empty()) {
        Unsaid& unsaid = unsaid_.emplace_back(Unsaid{number, std::move(job), station.shown});
        unsaid.shown.job = &unsaid.job;
    } else if (!goes_on(station)) {
        say_stopped(station, "trained, its evaluation left to do,");
    } else {
        job.latest = std::move(station.shown.latest);
        evaluate_next(std::move(job));
    }
    vacate(station);
}

// Of one that asks for no figures: no worker needs to build the model for it.
std::uint64_t Scheduler::evaluation_done(store::TrialId trial, std::int64_t evaluation) {
    writer_.run([=](store::Store& store) { store.show_evaluation(trial, evaluation); });
    return set_status(trial, store::Status::done);
}

// Before others begin, so that what has been begun is ended first.
void Scheduler::evaluate_next(Job job) {
    job.config = job.evaluations.front().config;
    job.label = job.evaluations.front().label;
    job.fresh = false;
    job.begun = true;
    queue_.push_front(std::move(job));
}

void Scheduler::trial_preempted(Station& station) {
    end_with(station, store::Status::preempted);
    say_stopped(station, end_by_signal(station));
    vacate(station);
}

void Scheduler::say_stopped(const Station& station, const std::string& how) {
    if (!station.wish) ++result_.preempted;
    progress_.stopped(station.shown, station.wish ? end_as_asked(station) : how);
}

// "stopped with its checkpoint of step 120"
std::string Scheduler::end_by_signal(const Station& station) {
    if (!station.started) return "stopped before it had begun";
    const std::string how = station.killed_as ? "killed" : "stopped";
    if (station.job->trained) return how + " in its evaluation, of which it keeps the stages that are done,";
    if (station.kept_step < 0) return how + " before its first checkpoint";
    return fmt::format("{} with its checkpoint of step {}", how, station.kept_step);
}

void Scheduler::trial_failed(Station& station, store::Status status, std::string reason) {
    end_with(station, status, reason);
    Job job = std::move(*station.job);
    const bool again = goes_on(station);
    const bool after_others = station.after_others && !job.fresh && status != store::Status::timeout;
    vacate(station);
    std::string text = "trial " + std::to_string(job.trial) + " (" + job.label + ") " +
                       (status == store::Status::timeout ? "timed out: " : "failed: ") + reason;
    if (after_others && again) {
        job.fresh = true;
        progress_.line(text + "; its worker had run other plugins before, so once more in a fresh one");
        return put_back(std::move(job));
    }
    const bool retry = again && ++job.failures <= options_.retries;
    if (retry) text += fmt::format("; trying again ({} of {})", job.failures, options_.retries);
    if (!progress_.failed(text)) unsaid_failures_.insert(job.trial);
    if (retry) return put_back(std::move(job));
    count_failed(job.trial);
    if (job.trained && job.evaluations.size() > 1 && again) {  // another may not fail
        job.evaluations.pop_front();
        evaluate_next(std::move(job));
    }
    if (options_.stop_on_failure)
        stop_all("stopping, as run.stop_on_failure says: running trials write a checkpoint and end");
}

// Somebody else ended the worker: not the trial's fault, so it goes on from its checkpoint.
void Scheduler::trial_lost(Station& station, std::string reason) {
    if (station.wish) return trial_preempted(station);
    Job job = std::move(*station.job);
    vacate(station);
    const bool again = !stopping_ && !placement_->pool().all_retired() && ++job.losses <= most_losses;
    set_status(job.trial, store::Status::lost, reason);
    progress_.line("trial " + std::to_string(job.trial) + " (" + job.label + ") was lost: " + reason +
                   (again ? "; going on from its last checkpoint" : "; run the file again to go on"));
    if (again) return put_back(std::move(job));
    given_up_.insert(job.trial);
    if (!stopping_) return count_failed(job.trial);
    result_.told.push_back(job.trial);
    ++result_.preempted;
}

// For good, and it has been reported.
void Scheduler::count_failed(store::TrialId trial) {
    result_.told.push_back(trial);
    ++result_.failed;
    if (options_.hooks) options_.hooks->failed(trial);
}

void Scheduler::put_back(Job job) {
    writer_.run([trial = job.trial](store::Store& store) { store.put_back(trial); });
    job.begun = true;
    room_changed_ = true;
    queue_.push_front(std::move(job));
}

}  // namespace marginalia
