// An experiment's trials as people want to see them: grouped by configuration, averaged over seeds.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kernel/host/results/config_keys.h"
#include "kernel/host/results/telling_keys.h"
#include "kernel/host/results/text.h"
#include "store/queries.h"

namespace marginalia {

// A mean over the seeds whose value is finite. Where none is, `mean` is what they all are, and NaN if they differ.
struct Estimate {
    std::size_t count = 0;  // finite values
    double mean = 0;
    std::optional<double> standard_error;  // from two finite values on
    std::size_t left_out = 0;              // values that are not finite
    double left_out_value = 0;             // what they all are, and NaN if they differ
};

// nullopt if there are no values.
std::optional<Estimate> estimate(const std::vector<double>& values);

// For people: "0.0412 ± 0.0031", "∞", "0.0412 ± 0.0031 (1 of 3 ∞)". `error`: in place of the one over seeds.
std::string estimate_text(const Estimate& estimate, const std::optional<double>& error);

struct TrialResult {
    store::Trial trial;
    SharedConfig config;
    std::map<std::string, double> finals;  // final metrics; NaN and infinities too
};

// The trials of one configuration.
struct Group {
    std::string hash;
    std::string label;  // the differing keys, "learning_rate = 0.001, channels = 32"; the experiment's name if none
    SharedConfig config;
    std::vector<std::size_t> trials;         // indices into ExperimentResults::trials
    std::map<std::string, Estimate> finals;  // over its trials that are done
    std::size_t done = 0, failed = 0;
};

struct ExperimentResults {
    std::string name;
    KeyOrder order;                        // of the file
    std::vector<TrialResult> trials;       // by number
    std::vector<Group> groups;             // in order of their first trial
    std::vector<std::string> differing;    // keys that differ between groups, in the file's order
    TellingKeys telling;                   // the same, with the values that they have
    ConfigLines shared;                    // the others
    std::vector<std::string> final_names;  // final metrics that any trial has, by importance, reference values left out
    std::map<std::string, std::vector<double>> references;  // "log_z_exact" and such: the distinct values
};

// The trials of an experiment, which the filter names, and their final metrics; no points are read. `or_last`: a metric
// without a final value stands by its last recorded one, as in rankings.
ExperimentResults load_results(store::Store& store, const store::TrialFilter& filter, bool or_last = false);

// The same of any trials, for `compare`.
ExperimentResults gather(std::vector<TrialResult> trials, std::string name, KeyOrder order = {});

// A group's final metric as tables show it. With one seed the error is the evaluation's own (NAME_stderr) where there
// is one.
struct ShownEstimate {
    std::string text;         // "0.0412 ± 0.0031"; empty if no trial has the metric
    nlohmann::json value;     // [mean, standard error or null]; null if no trial has it
    bool of_samples = false;  // the error is that of the evaluation's samples
};
ShownEstimate shown_estimate(const Group& group, const std::string& metric);
// Its error alone; nullopt where there is none.
std::optional<double> shown_error(const Group& group, const std::string& metric);

Tone tone_of(store::Status status);

// Seconds a trial ran, all attempts together; while it runs, since its first start. nullopt if it never started.
std::optional<double> running_time(const store::Trial& trial, double now);

double now_seconds();  // since 1970, from SOURCE_DATE_EPOCH where it is set, for pages that must not change

}  // namespace marginalia
