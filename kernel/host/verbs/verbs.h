// The reading verbs. Each takes what the command line asked for, prints data to `out` and words to stderr, and returns
// its exit code. They throw Error for wrong requests and store::StoreError for what the store cannot give.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "kernel/host/results/table.h"

namespace marginalia {

// What every verb is given.
struct Common {
    std::filesystem::path store;            // --store, else MARGINALIA_STORE, else marginalia.db
    std::vector<std::string> plugin_paths;  // --plugin-path
    bool trust = false;                     // --trust: run code wherever the store names it
    Format format = Format::text;
};

struct ListOptions {
    std::string experiment;             // empty: all
    std::vector<std::string> statuses;  // empty: all
    std::vector<std::string> metrics;   // empty: the most telling ones
    std::int64_t limit = -1;            // -1: 50 for people, all for programs; 0: all
    bool experiments = false;           // one line an experiment instead
};
int list_verb(const Common& common, const ListOptions& options, std::ostream& out);

struct ShowOptions {
    std::string trial;     // number, hash prefix, "last", "best:METRIC"
    bool toml = false;     // only the trial's experiment file
    std::string pictures;  // a folder, to be made, for the SVG files among its samples; empty: none
};
int show_verb(const Common& common, const ShowOptions& options, std::ostream& out);

struct BestOptions {
    std::string metric;
    std::string experiment;  // empty: all
    bool highest = false;    // neither: as the metric's name says, else the lowest is best
    bool lowest = false;
    std::int64_t min_seeds = 1;
    std::int64_t limit = 10;
};
int best_verb(const Common& common, const BestOptions& options, std::ostream& out);

struct TableOptions {
    std::string experiment;
    std::vector<std::string> rows;     // config keys; empty: the keys that differ, less `columns`
    std::vector<std::string> columns;  // config keys; empty: one column a metric
    std::vector<std::string> metrics;  // empty: the most telling ones
};
int table_verb(const Common& common, const TableOptions& options, std::ostream& out);

int compare_verb(const Common& common, const std::vector<std::string>& trials, std::ostream& out);
int diff_verb(const Common& common, const std::string& first, const std::string& second, std::ostream& out);

int query_verb(const Common& common, const std::string& sql, std::ostream& out);

struct ExportOptions {
    std::string trial;             // empty: all of the experiment
    std::string experiment;        // empty: all
    std::string what = "metrics";  // "metrics", "final" or "trials"
    std::filesystem::path file;    // empty: `out`
};
int export_verb(const Common& common, const ExportOptions& options, std::ostream& out);

struct RecoverOptions {
    std::filesystem::path damaged, file;  // read, made
};
int recover_verb(const RecoverOptions& options, std::ostream& out);

struct CheckpointOptions {
    std::string trial;
    std::optional<std::int64_t> step;  // none: the newest
    std::filesystem::path file;        // empty: trial-N-step-S.pt
};
// Becomes the worker program, which rebuilds the network and writes it (kernel/worker/answer/export_model.h).
int checkpoint_export_verb(const Common& common, const CheckpointOptions& options);

struct ReportOptions {
    std::string experiment;      // empty: that of the newest run
    std::filesystem::path file;  // empty: EXPERIMENT.html
};
int report_verb(const Common& common, const ReportOptions& options, std::ostream& out);

struct ReproduceOptions {
    std::string trial;
    std::filesystem::path file;  // empty: `out`
};
int reproduce_verb(const Common& common, const ReproduceOptions& options, std::ostream& out);

// A checkpoint of a trial, and how it is asked.
struct ModelOptions {
    std::string trial;                 // number, hash prefix, "last", "best:METRIC"
    std::optional<std::int64_t> step;  // of its checkpoint; none: the newest
    std::int64_t seed = 0;
    std::string device = "cpu";
};

struct ScoreOptions {
    ModelOptions model;                  // its trial may be an experiment file
    std::vector<std::string> overrides;  // of the experiment file
    std::string states;                  // text or .npy file; "-": standard input
    std::int64_t batch = 512;
};
// Becomes the worker program, which prints CSV (kernel/worker/answer/score.h).
int score_verb(const Common& common, const ScoreOptions& options);

struct InferenceOptions {
    ModelOptions model;
    std::string states;  // as for `score`; for `complete` also the text of one state
    std::int64_t count =
        0;  // states to sample, or completions of each given one; 0: as many as the verb does by itself
    std::int64_t batch = 512;
    std::string file;    // empty: standard output
    std::string format;  // empty: by the file's ending, else for who reads standard output
};
// These become the worker program too (kernel/worker/answer/inference.h).
int sample_verb(const Common& common, const InferenceOptions& options);
int complete_verb(const Common& common, const InferenceOptions& options);
int marginals_verb(const Common& common, const InferenceOptions& options);

int plugins_verb(const Common& common, const std::string& name, std::ostream& out);
// Becomes the worker program, which loads the plugin and prints a line per check (kernel/worker/check).
int check_plugin_verb(const Common& common, const std::string& plugin, const std::vector<std::string>& parameters);

struct NewPluginOptions {
    std::string kind;
    std::string name;
    std::filesystem::path folder;  // empty: ./NAME
};
int new_plugin_verb(const Common& common, const NewPluginOptions& options, std::ostream& out);
int doctor_verb(const Common& common, std::ostream& out);

}  // namespace marginalia
