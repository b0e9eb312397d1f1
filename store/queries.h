// What the reading verbs ask of a store, as plain structs. None of these functions writes.
//
// A value that was NaN is NULL in the store and NaN here; rankings contain finite ones only. Times are seconds since
// the epoch. All functions throw StoreError (store/error.h).
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "store/remarks.h"
#include "store/store.h"

namespace marginalia::store {

struct TrialFilter {
    std::string experiment = {};                    // empty: all
    std::vector<Status> statuses = {};              // empty: all
    std::int64_t sweep = 0;                         // 0: all; else the trials of this run of a file
    std::int64_t limit = -1;                        // the newest so many; -1: all
    std::optional<std::vector<TrialId>> only = {};  // these at most, as of trials_that_meet (condition.h)
};

// In the order of their ids, which is the order of planning.
std::vector<Trial> list_trials(Store&, const TrialFilter& filter = {});

std::vector<TrialId> trial_ids(Store&, std::string_view experiment);  // ascending; empty: of all

// The trials of an experiment that are trained, have a checkpoint and this seed, and this config where one is named; by
// id, at most `limit`; -1: all. An index finds each.
std::vector<TrialId> done_trials(Store&, std::string_view experiment, std::string_view config_hash, std::int64_t seed,
                                 std::int64_t limit = -1);

// A trial by name: its number; "last" (whose training started last, else planned last); a prefix of its config_hash of
// at least 4 characters, with ":SEED" behind it where several seeds share it. `experiment`, where not empty, narrows
// all but the number. Throws Kind::no_match when nothing or more than one trial fits, naming the candidates.
Trial resolve_trial(Store&, std::string_view name, std::string_view experiment = {});

// One run of one experiment file.
struct Sweep {
    std::int64_t id = 0;
    std::string experiment;
    std::string description;
    std::string file;
    std::string toml;
    std::string provenance;  // JSON
    double created = 0;
};

struct FinalMetric {
    std::string name;
    double value = 0;
};

// Kept up to date by the writer, so that nobody needs to read the points for it.
struct MetricSummary {
    std::string name;
    std::int64_t n = 0;          // points, non-finite ones included
    std::int64_t nonfinite = 0;  // points that were NaN or infinite
    double last = 0;             // value at the greatest step
    std::int64_t last_step = 0;
    double min = 0;  // over finite points; NaN if there is none
    std::int64_t min_step = 0;
    double max = 0;
    std::int64_t max_step = 0;
};

std::optional<MetricSummary> summary_of(Store&, TrialId trial, std::string_view metric);  // nullopt: it has no point

struct CheckpointInfo {
    TrialId trial = 0;
    std::int64_t step = 0;
    std::int64_t bytes = 0;
    double created = 0;
};

struct SampleInfo {
    std::string name;
    std::int64_t step = 0;
    std::string kind;  // "states", "svg", "text"
    std::int64_t bytes = 0;
};

struct Sample : SampleInfo {
    std::string data;
};

// One of the ways in which a trial was evaluated, and what was found.
struct EvaluationInfo {
    std::int64_t id = 0;
    std::string config;  // JSON of its tables
    bool shown = false;  // its figures are the trial's final metrics
    Status status = Status::queued;
    std::string error;
    std::vector<FinalMetric> figures;  // by name
};

// Of all evaluations of a trial, by their hash.
std::map<std::string, Status> evaluation_statuses(Store&, TrialId trial);

struct TrialDetails {
    Trial trial;
    Owner owner;                              // of the last attempt; pid 0 if never started
    std::int64_t threads = 0;                 // of the last attempt
    Hardware hardware;                        // of the last attempt
    Sweep sweep;                              // the run of a file under which it last ran or will run
    std::vector<FinalMetric> final_metrics;   // by name
    std::vector<MetricSummary> metrics;       // by name
    std::vector<CheckpointInfo> checkpoints;  // oldest first
    std::vector<SampleInfo> samples;          // by name, then step
    std::vector<EvaluationInfo> evaluations;  // the one that is shown, then the newest first
    std::vector<Note> notes;                  // oldest first
};
TrialDetails trial_details(Store&, TrialId trial);

std::vector<CheckpointInfo> list_checkpoints(Store&, TrialId trial);

// Samples with their data, by name and step; `name` empty: all. newest_only: of each name, the one of the last step.
std::vector<Sample> samples_of(Store&, TrialId trial, std::string_view name = {}, bool newest_only = false);

// Runs of experiment files, of which each may hold a long text and a record with all changes to the code: one at a
// time. Throw Kind::damaged for one that is missing.
Sweep sweep_of(Store&, std::int64_t id);
Sweep newest_sweep(Store&, std::string_view experiment = {});              // empty: of any; there must be one
std::vector<std::int64_t> sweep_ids(Store&, std::string_view experiment);  // oldest first

std::vector<std::string> experiment_names(Store&);  // by their first run

struct ExperimentInfo {
    std::string name;
    std::string description;  // of its newest sweep
    std::string file;
    std::int64_t trials = 0;
    std::int64_t configs = 0;  // distinct config_hash
    std::map<Status, std::int64_t> by_status;
    double created = 0;                 // its first sweep
    std::optional<double> last_active;  // newest start or end of a trial
};
std::vector<ExperimentInfo> list_experiments(Store&);  // oldest first

// Which trials compete, and by what: a trial's final metric where it has one, else its last recorded value.
struct Ranking {
    std::string metric;
    bool highest = false;
    std::string experiment = {};                    // empty: all
    std::vector<Status> statuses = {Status::done};  // empty: all
    std::int64_t limit = 10;                        // -1: all
    std::int64_t min_seeds = 1;                     // of best_configs
    std::optional<std::vector<TrialId>> only = {};  // these at most
};

struct RankedTrial {
    Trial trial;
    double value = 0;
};
std::vector<RankedTrial> best_trials(Store&, const Ranking& ranking);

// Trials that differ in the seed alone, taken together; one of n = 1 has no standard error.
struct RankedConfig {
    std::string experiment;
    std::string config_hash;
    std::string config;
    double mean = 0;
    std::optional<double> standard_error;
    std::int64_t n = 0;
    std::vector<TrialId> trials;  // best first
};
std::vector<RankedConfig> best_configs(Store&, const Ranking& ranking);

struct CurvePoint {
    std::int64_t step = 0;
    double value = 0;
    double time = 0;
};
// By step; at most `max_points`, the last of each of so many equal parts of the steps, the very last among them; 0:
// all.
std::vector<CurvePoint> metric_curve(Store&, TrialId trial, std::string_view name, std::size_t max_points = 0);

// The finite points of a metric: their first and last step, and how many. nullopt: there is none.
struct StepRange {
    std::int64_t first = 0, last = 0, points = 0;
};
std::optional<StepRange> finite_steps(Store&, TrialId trial, std::string_view name);

// The finite points in one of equal parts of the steps from `first` to `last`, in which `last` has a part of its own.
struct CurvePart {
    std::int64_t part = 0, count = 0;
    double sum = 0, min = 0, max = 0, step_sum = 0;
};
// By part; those without points are left out. What is added up in the store (store/curve_parts.h) is not read.
std::vector<CurvePart> metric_parts(Store&, TrialId trial, std::string_view name, std::int64_t first, std::int64_t last,
                                    std::int64_t parts);

// Names of all metrics that have points or final values in these trials (empty: in the store), sorted.
std::vector<std::string> metric_names(Store&, std::span<const TrialId> trials = {});

// trial -> metric -> value: final metrics and, with `or_last`, the last recorded value of metrics without a final one.
std::map<TrialId, std::map<std::string, double>> metric_values(Store&, std::span<const TrialId> trials,
                                                               bool or_last = false);

struct Blob {
    std::int64_t bytes = 0;
};
using Cell = std::variant<std::monostate, std::int64_t, double, std::string, Blob>;

// What bounds a statement that a user wrote, which may well never end.
struct QueryLimits {
    std::int64_t bytes = 0;                   // of memory, all of SQLite's in this process; 0: no limit
    std::int64_t rows = -1;                   // of a QueryResult; -1: no limit
    std::function<bool()> stopped = nullptr;  // asked again and again, while no row comes too
};

// One SQL statement that only reads, rows given one by one. `columns` is called once, before any row; `row` returns
// false to stop. Throws Kind::bad_query for anything that would write, for a second statement, for wrong SQL and for
// what goes beyond the limits; Kind::stopped.
void query(Store&, const std::string& sql, const std::function<void(const std::vector<std::string>&)>& columns,
           const std::function<bool(const std::vector<Cell>&)>& row, const QueryLimits& limits = {});

// Throws what query() throws before its first row.
void check_query(Store&, const std::string& sql);

struct QueryResult {
    std::vector<std::string> columns;
    std::vector<std::vector<Cell>> rows;
};
QueryResult query(Store&, const std::string& sql, const QueryLimits& limits = {});

}  // namespace marginalia::store
