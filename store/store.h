// The results store: one SQLite file with trials, metrics, checkpoints and where they came from.
//
// Knows no torch, no TOML and no plugin: strings, numbers, bytes. The host process is the only writer.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "store/patience.h"
#include "store/split_config.h"

namespace marginalia::store {

class Connection;

using TrialId = std::int64_t;

// Life of a trial, and of each of its evaluations: the states of `statuses`, in this order. A trial that is trained has
// the status of the evaluation that is shown, the one asked for last.
enum class Status { queued, running, done, failed, timeout, oom, preempted, lost, pruned, cancelled, paused };

// How a state looks to people.
enum class Mood { plain, good, warn, bad };

// What a state means, for all who ask.
struct StatusFacts {
    std::string_view name;
    bool ended;   // the trial is over; where it is not, the file's next run takes it up
    bool failed;  // it is over and has no results; `run --retry-failed` tries it again
    Mood mood;
};
inline constexpr StatusFacts statuses[] = {
    {"queued", false, false, Mood::plain},    //
    {"running", false, false, Mood::warn},    //
    {"done", true, false, Mood::good},        //
    {"failed", true, true, Mood::bad},        //
    {"timeout", true, true, Mood::bad},       //
    {"oom", true, true, Mood::bad},           //
    {"preempted", false, false, Mood::warn},  // stopped by a signal after a checkpoint
    {"lost", false, false, Mood::bad},        // its process vanished
    {"pruned", true, false, Mood::plain},     // others were better
    {"cancelled", true, false, Mood::plain},  // a person gave it up
    {"paused", true, false, Mood::warn},      // stopped after a checkpoint until a person or a rule lets it go on
};
constexpr const StatusFacts& facts_of(Status status) { return statuses[static_cast<std::size_t>(status)]; }
constexpr std::string_view name_of(Status status) { return facts_of(status).name; }
std::string status_names(std::string_view separator);  // "queued, running, ...", all of them
Status status_named(std::string_view);                 // throws Kind::no_match
std::optional<Status> find_status(std::string_view);

// A trial whose work another one is given when it is queued.
struct Source {
    TrialId trial = 0;  // 0: none
    bool whole = true;  // all of it; else a shorter training's curves and newest checkpoint, to go on from
    std::string name;   // for readers: the text sample 'source' of the trial that was given it
};

// A trial as planned: what the store needs to know to find it again.
struct PlannedTrial {
    std::string config;       // canonical JSON of everything that shapes its weights, without the seed
    std::string config_hash;  // its identity
    std::int64_t seed = 0;
    Source source = {};                // if it is not there yet
    std::string evaluation = {};       // canonical JSON of how they are evaluated; empty: not at all
    std::string evaluation_hash = {};  // its identity
};

// A sweep as planned: one run of one experiment file.
struct PlannedSweep {
    std::string experiment;   // its name
    std::string description;  // may be empty
    std::string file;         // absolute path of the experiment file
    std::string toml;         // its text as run, overrides applied
    std::string
        provenance;  // JSON: git commit, dirty diff, versions, plugin file hashes and build tags, command line, host
    std::vector<PlannedTrial> trials;
};

struct Trial {
    TrialId id = 0;
    std::string experiment;
    Status status = Status::queued;
    std::int64_t seed = 0;
    std::string config;       // with the tables of the evaluation that is shown
    std::string config_hash;  // of what shapes its weights
    std::string error;
    std::string device;
    std::string host;
    std::optional<double> created, started, finished;  // seconds since the epoch
    std::int64_t attempts = 0;
    std::int64_t checkpoint_step = -1;  // newest checkpoint; -1: none
    std::int64_t sweep = 0;             // the run of a file under which it last ran or will run
    double seconds = 0;                 // spent running, all attempts that ended in an orderly way
    std::int64_t evaluation = 0;        // the one that is shown, or of those that were planned the one of this plan
    bool trained = false;               // nothing is left to do but to evaluate it
    bool evaluated = false;             // by that evaluation
    bool waits = false;                 // paused at a rung (store/rungs.h) until others have come as far
    std::string tags;                   // divided by commas
};

// Whether it waits for another engine to run it, Store::hand_to.
inline bool is_handed_over(const Trial& trial) {
    return trial.status == Status::queued && trial.device.starts_with("slurm:");
}

// Who runs a trial. A running trial whose process is gone is lost.
struct Owner {
    std::string host;
    std::string machine;  // its boot, its pid namespace and the name of its lock (run_lock.h), with a '/' between
    std::int64_t pid = 0;
    std::int64_t pid_start = 0;  // clock ticks since boot, field 22 of /proc/PID/stat
    std::int64_t heartbeat = 0;  // when it last wrote that it lives, in ms since the epoch; 0: it never did
};
Owner this_process();  // without a lock: of use where all that look are in one pid namespace

// false only where that is sure: the machine was started anew since; or nobody holds the lock, and the process is not
// in this pid namespace. What another machine runs, or another container without a lock that can be seen, is alive
// unless its heartbeat is older than `longest_silence`. `store`: where the locks lie.
inline constexpr std::int64_t longest_silence = 60'000;  // ms
bool is_alive(const Owner&, const std::filesystem::path& store);

// The device that a trial ran on as a thing, not by the number it goes by. Empty and 0: not known.
struct Hardware {
    std::string name;         // "NVIDIA H200"
    std::string id;           // by which the driver knows it: "GPU-..."
    std::int64_t memory = 0;  // bytes
    std::string driver;       // "580.65.06, CUDA 13.0"
};

struct MetricPoint {
    std::string name;
    std::int64_t step = 0;
    double value = 0;
    double time = 0;  // seconds since the epoch
};

// How to keep checkpoints: the newest `newest`, and the best one by `best_metric` where it is named.
struct Retention {
    int newest = 1;
    std::string best_metric = {};
    bool best_is_lowest = true;
};

// A checkpoint as the store keeps it; its bytes are read piece by piece.
struct StoredCheckpoint {
    TrialId trial = 0;
    std::int64_t step = 0;
    std::int64_t bytes = 0;
    std::optional<std::int64_t> archive;  // none: written by layout version 1
};

// An open store. Opening refuses, each with one sentence and without touching the file: a file that is no store, a
// store of a newer version or with two names, a read-only place, a network filesystem, a full disk. Not thread-safe:
// one thread at a time. Every method throws StoreError (store/error.h) and then has changed nothing.
class Store {
public:
    // Creates or migrates as needed; for reading and writing. `patience`: with what others keep locked. `split`: for
    // stores before layout 3.
    static Store open(const std::filesystem::path& file, Patience patience = {}, const SplitConfig& split = {});
    // Must exist; never writes. May lie on a read-only medium or a network filesystem: nobody writes it there.
    static Store open_to_read(const std::filesystem::path& file);
    Store(Store&&) noexcept;
    ~Store();

    Connection& connection();  // for the queries of this folder
    const std::filesystem::path& file() const;

    void set_patience(Patience patience);
    bool has_moved() const;  // the path it was opened by leads to another file now, or to none
    // Copies all that it holds into a new file, which exists whole or not at all. false: there is a file of that name.
    bool copy_to(const std::filesystem::path& file);
    // Copies all that it holds into a new file beside it, which exists whole or not at all, and goes on with that. Not
    // to be called within a transaction.
    void move_beside();

    // Queues what is not there yet, in one transaction, and returns the trial of each plan in the same order, found by
    // (experiment, config_hash, seed), with its evaluation as planned: from now on the one that is shown, unless
    // somebody runs the trial. Trials whose training has not ended yet belong to this sweep from now on. `sweep_id`: of
    // an earlier call's sweep, to which these trials are added; 0 is set to the new one's.
    std::vector<Trial> enqueue(const PlannedSweep& sweep, std::int64_t* sweep_id = nullptr);
    // The trial's evaluation of this hash, made if it is not there.
    std::int64_t add_evaluation(TrialId trial, const std::string& json, const std::string& hash);
    // From now on this is the trial's evaluation that is shown, and its status the trial's, if that is trained. Nothing
    // where somebody runs the trial.
    void show_evaluation(TrialId trial, std::int64_t evaluation);

    // This process, which from the first call on holds the lock that shows it to live, until the store is closed.
    Owner this_run();

    // Marks running trials whose process is gone as `lost`, or as what was asked of it (store/requests.h); returns the
    // lost ones. `all`: nobody else can be running any.
    std::vector<Trial> mark_lost(bool all = false);

    // Says that a queued trial waits for another engine to run it, as "slurm:123": nobody claims it then. Empty: that
    // it does so no more.
    void hand_to(TrialId trial, const std::string& engine);

    // queued, preempted or lost -> running, atomically. false: someone else has it, another engine among them.
    bool claim(TrialId trial, const Owner& owner, const std::string& device, std::int64_t threads,
               const Hardware& hardware = {});

    // Removes the points, samples, rungs and checkpoints of a trial after `step` (all: -1), its final metrics and what
    // its evaluations found, and rebuilds the summaries: what a resumed training does again.
    void forget_after(TrialId trial, std::int64_t step);
    // Removes what this evaluation, which is the one that is shown, has found of the trial: it is to be done again.
    void forget_evaluation(TrialId trial, std::int64_t evaluation);

    // A point of a step that is there already replaces it. NaN is kept as NULL, infinity as it is.
    void add_metrics(TrialId trial, std::span<const MetricPoint> points);
    void set_final_metric(TrialId trial, const std::string& name, double value);  // of its training or evaluation
    // A state, text or picture worth looking at: kind "states" (JSON), "svg", "text".
    void add_sample(TrialId trial, const std::string& name, std::int64_t step, const std::string& kind,
                    std::string_view data);
    // A checkpoint comes in pieces, which may be committed one by one: nobody sees them until it is ended. A trial has
    // one such at a time; number 0 begins it and puts an unfinished one away.
    void add_checkpoint_piece(TrialId trial, std::int64_t number, std::string_view bytes);
    // Keeps what `keep` says and removes the others, in the same transaction. Of a trial that is trained, it is the
    // state of its evaluation, which only has the newest.
    void end_checkpoint(TrialId trial, std::int64_t step, const Retention& keep);
    void drop_unfinished_checkpoint(TrialId trial);
    // All of it at once.
    void add_checkpoint(TrialId trial, std::int64_t step, std::string_view bytes, const Retention& keep);

    // The newest, or the one of a step.
    std::optional<StoredCheckpoint> find_checkpoint(TrialId trial, std::optional<std::int64_t> step = {});
    // What the evaluation that is shown has kept of the stages that are done.
    std::optional<StoredCheckpoint> find_evaluation_state(TrialId trial);
    // Number 0 and on; empty: there are no more, or the checkpoint has been removed. Readers count the bytes.
    std::string checkpoint_piece(const StoredCheckpoint& checkpoint, std::int64_t number);
    // Hands over piece by piece. Throws Kind::no_match where it is not whole.
    void read_checkpoint(const StoredCheckpoint& checkpoint, const std::function<void(std::string_view)>& take);
    // The whole of it, which may be gigabytes.
    std::optional<std::string> newest_checkpoint(TrialId trial, std::int64_t* step = nullptr);
    std::optional<std::string> checkpoint_at(TrialId trial, std::int64_t step);
    // Of an error 4,000 bytes are kept, and how many there were. Of a trial that is not trained, `done` says that its
    // training is over, and the trial is queued for its evaluation if it has one. Of a trial that does not end so it
    // becomes what was asked of it, if anything was (store/requests.h).
    void set_status(TrialId trial, Status status, const std::string& error = {});
    // Any status but `running` -> queued, error cleared, attempts kept; `running` too if who asks knows that nobody
    // does.
    void requeue(TrialId trial, bool even_running = false);
    // The same for a trial that its host tries again, but that a person may have cancelled or paused meanwhile.
    void put_back(TrialId trial);

    std::optional<Trial> find(TrialId trial);

    // Runs `body` in one BEGIN IMMEDIATE transaction; rolls back if it throws. Calls nest: an inner one that throws
    // undoes its own work only.
    template <class Body>
    void transaction(Body&& body);

private:
    explicit Store(std::unique_ptr<Connection>);
    struct State;
    std::unique_ptr<State> state_;
    void begin();
    void commit();
    void rollback() noexcept;
};

template <class Body>
void Store::transaction(Body&& body) {
    begin();
    try {
        body();
    } catch (...) {
        rollback();
        throw;
    }
    commit();
}

}  // namespace marginalia::store
