// Gives trials to workers and what workers record to the store's writer.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <list>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "kernel/host/run/catalogue.h"
#include "kernel/host/run/claimer.h"
#include "kernel/host/run/device_faults.h"
#include "kernel/host/run/devices.h"
#include "kernel/host/run/job.h"
#include "kernel/host/run/placement.h"
#include "kernel/host/run/progress.h"
#include "kernel/host/run/rungs.h"
#include "kernel/host/run/signals.h"
#include "kernel/host/run/slots.h"
#include "kernel/host/run/stop_rules.h"
#include "kernel/host/run/store_watch.h"
#include "kernel/host/run/trial_source.h"
#include "store/writer.h"

namespace marginalia {

class Hooks;

// The [run] table in the scheduler's terms.
struct ScheduleOptions {
    std::vector<Slot> slots;
    std::vector<Device> devices;    // of the slots, as far as more is known of them than their names
    bool whole_by_default = false;  // a trial that does not say what it needs has the device for itself
    std::vector<int> processors;    // to keep workers on; empty: the system's choice
    bool keeps_threads = true;      // a trial goes on with as many as it began with
    double time_limit = 0;          // seconds a trial; 0: none
    int retries = 0;                // further attempts of a trial that failed
    bool stop_on_failure = false;
    double checkpoint_seconds = 60;
    double exact_seconds = 300;  // see TrialRequest
    store::Retention retention;
    WorkerPatience patience;
    StopSettings stop;
    ComparedTrials sweep;    // the trials that `stop` compares
    std::int64_t steps = 0;  // of each of them, where it compares at rungs
    Hooks* hooks = nullptr;  // learn how trials end; null: nobody does
};

struct ScheduleResult {
    std::size_t done = 0, failed = 0, preempted = 0;
    std::size_t pruned = 0, waiting = 0;  // waiting: at a rung for trials that others have
    std::set<store::TrialId> elsewhere;   // trials that ended in another process
    bool budget_spent = false;            // that of time
    int signal = 0;                       // the signal that ended the run early
    std::vector<store::TrialId> told;     // trials whose failure has been said in full
    bool devices_lost = false;            // none was left to go on with
    std::string store_failure;            // why the run had to end for the store's sake; empty: it did not
    std::filesystem::path store;          // where the results are, should the file have been moved
};

// Runs jobs in slots, one worker process a slot, kept from trial to trial and replaced after a failure. A worker opens
// the plugins that its trials name and no others. A trial that throws, crashes, runs out of memory or time is recorded
// with its reason, and the others go on. Where a trial left its worker changed (kernel/worker/process_state.h), the
// next one gets a fresh worker; where one fails in a worker that has run other plugins before, it is tried once more in
// a fresh one before that counts. Which trial a slot takes, and what lack of memory and a device's failure change about
// that, is Placement's to say.
//
// The store is watched meanwhile (store_watch.h): people cancel, pause and retry trials, other runs share them. The run
// is over when all of its trials are, wherever they ran.
//
// Threads: one, the main thread. It alone starts workers, which die with it.
class Scheduler {
public:
    Scheduler(store::Writer& writer, Progress& progress, StopSignals& signals, ScheduleOptions options);
    ~Scheduler();

    // Takes a worker that already runs, if it sees the device of a slot; `catalogue` is what it said. Its first trial
    // keeps it if that has as many threads.
    void adopt(ReadyWorker ready);

    // `others`: trials of this run that are not to be run now, but may be queued again by somebody while it goes on;
    // `elsewhere`: those of them that another process runs, whose end it waits for.
    ScheduleResult run(std::deque<Job> jobs, const std::deque<Job>& others = {},
                       const std::vector<store::TrialId>& elsewhere = {});
    // The same with trials that come meanwhile; over once the source has ended.
    ScheduleResult run(TrialSource& source);

private:
    struct Station;  // a slot with its worker and trial

    void make_stations();
    void note_all(const std::deque<Job>& others);
    void measure(bool without_us);
    void say_unmeasured();
    void assign();
    void drop_idle_workers(std::size_t device);
    void give(Station&, std::deque<Job>::iterator);
    void vacate(Station&);
    std::string words_on_no_device(const Job&) const;
    void no_device_left();
    std::vector<int> processors_for(const Station&) const;
    void tend_workers();
    void start_worker_at(Station&);
    void open_plugins(Station&);
    void plugins_opened(Station&, std::string_view payload);
    std::vector<std::string> plugin_files(const Job&) const;
    void wait_for_events();
    bool busy() const;
    bool more_to_come() const;
    void take_more();
    bool anyone_busy() const;

    void beat();
    void keep_logs();
    void keep_log(Station&);
    void keep_last_words(Station&);
    void heed_store();
    void heed_request(Station&, store::Wish wish);
    std::string end_as_asked(const Station&);
    static std::string end_by_signal(const Station&);
    std::set<store::TrialId> at_hand() const;
    void take_up_open(const StoreNews& news);
    void take_up(const store::OpenTrial& open);
    void went_elsewhere(Station&);
    std::uint64_t set_status(store::TrialId trial, store::Status status, std::string reason = {});
    std::uint64_t end_with(Station&, store::Status status, std::string reason = {});
    bool goes_on(const Station&) const;

    void take_signals();
    void pause();
    void stop_all(const std::string& why);
    void take_claims();
    void start_if_ready(Station&);
    void hear(Station&, bool rest);
    void take_record(Station&, RecordType type, std::string_view payload);
    void take_name(Station&, std::string_view payload);
    void take_metrics(Station&, std::string_view payload);
    void take_sample(store::TrialId trial, std::string_view payload);
    void take_end(Station&, std::string_view payload);
    void take_failure(Station&, std::string_view payload);
    static void check_ticket(const Station&, std::uint64_t ticket);
    void say_what_was_read(const std::string& name, const std::string& kind, const std::string& text);
    void worker_ended(Station&);
    void worker_not_started(Station&, const std::string& reason);
    void trial_cannot_start(Station&, const std::string& reason);
    void worker_babbles(Station&, const std::string& what);
    void trial_ended_by(Station&, const Ending&);
    void check_clocks();
    void check_patience(Station&, Clock::time_point now);
    void check_store();
    void store_failed(const std::string& sentence);
    void heed_lock();
    void say_written(std::uint64_t number);
    void trial_spoilt(store::TrialId trial, const std::string& why);
    bool store_is_behind() const;
    bool anything_started() const;
    void feed_workers();
    void take_pieces();
    void take_checkpoint_piece(Station&, std::string_view payload);
    void take_checkpoint_end(Station&, std::string_view payload);

    void trial_done(Station&);
    std::uint64_t evaluation_done(store::TrialId trial, std::int64_t evaluation);
    void evaluate_next(Job job);
    void trial_preempted(Station&);
    void say_stopped(const Station&, const std::string& how);
    void trial_failed(Station&, store::Status status, std::string reason);
    void count_failed(store::TrialId trial);
    void trial_lost(Station&, std::string reason);
    void prepare_rule();
    MedianRule* median_of(store::TrialId trial) const;  // null: it is not compared with others
    void trial_reached(Station&);
    void tend_rungs();
    void compare_with_others(Station&, const std::vector<store::MetricPoint>& points);
    void trial_pruned(Station&);
    bool tried_slower(Station&, const std::string& reason);
    void check_budget();
    std::string way_with_less_memory(Station& station);
    void trial_out_of_memory(Station&, const std::string& reason);
    std::string words_on_memory(const Station&) const;
    static DeviceFault fault_of(const Station&, std::string_view text);
    void device_failed(Station&, DeviceFault fault, const std::string& reason);
    void put_back(Job job);
    static std::string loading_words(const Station&);
    static std::string state_words(const Station&);
    std::string words_on_crash(const Station&, const Ending&) const;
    void show();

    store::Writer& writer_;
    Progress& progress_;
    std::set<std::string> said_;  // of what was read
    StopSignals& signals_;
    const ScheduleOptions options_;
    PluginCatalogue catalogue_;
    DeviceMeter meter_;
    std::optional<Placement> placement_;
    bool room_changed_ = true;  // since a device was last looked for
    Clock::time_point look_again_at_{}, stuck_since_ = Clock::now();
    bool stuck_said_ = false;
    std::vector<std::unique_ptr<Station>> stations_;
    std::deque<Job> queue_;
    TrialSource* source_ = nullptr;       // null: all trials are there from the beginning
    std::map<store::TrialId, Job> all_;   // of the run, as they were in the beginning
    std::set<store::TrialId> trials_;     // of those, the ones that it has had to do with
    std::set<store::TrialId> elsewhere_;  // that other processes run
    std::set<store::TrialId> given_up_;   // lost too often: until somebody queues them again
    // Up to which of the writer's records news of a trial are older than what we know of it.
    std::map<store::TrialId, std::uint64_t> known_since_;
    std::optional<StoreWatch> watch_;
    bool waiting_said_ = false;
    Clock::time_point beat_at_{};
    ScheduleResult result_;
    std::set<std::string> told_changes_;  // what trials left changed in their workers, said once a run
    std::mt19937_64 tickets_{std::random_device{}()};
    Clock::time_point read_since_{};  // when we last began to read from workers, having been behind
    bool stopping_ = false;
    Clock::time_point stopped_at_{}, stop_deadline_{};
    struct Unsaid {  // a trial that is done as soon as the store has it so
        std::uint64_t number;
        Job job;
        RunningTrial shown;
    };
    std::list<Unsaid> unsaid_;
    bool store_is_lost_ = false;  // nothing more will be written
    bool lock_said_ = false, gave_up_on_lock_ = false;
    std::chrono::milliseconds locked_for_{0};
    std::optional<Claimer> claimer_;
    std::optional<Rungs> rungs_;
    std::set<store::TrialId> unsaid_failures_;                       // as there were many
    std::map<store::TrialId, std::shared_ptr<MedianRule>> medians_;  // one for all trials that are compared
    Clock::time_point began_ = Clock::now();
};

}  // namespace marginalia
