// What is known about metrics by their names (docs/metrics.md): units, direction, order of importance, use. One table,
// for both programs; a test compares the documentation with it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace marginalia {

// none: neither is better (a count, an exact value); zero: nearest to 0.
enum class Goal { low, high, zero, none };

struct MetricInfo {
    std::string unit;  // "nats", "bits/site", "s"; empty: none or unknown
    Goal goal = Goal::low;
    std::string about;   // one line for people; empty: unknown
    bool drawn = false;  // a curve of quick evaluations, whose last point is the final figure
};

// Known names first; what is derived from them ("_bound", "_estimate", "_stderr") as they are; others by their ending
// ("_seconds", "_bits"); plugins' own metrics are taken as "lower is better".
MetricInfo metric_info(std::string_view name);

// What a metric of one energy of a family is called: "kl@coupling=0.3", and its error "kl@coupling=0.3_stderr". All
// that is known of it is what is known of "kl". The label of a trial without a family is empty, and the name stays.
std::string member_metric(const std::string& name, const std::string& label);

// How far a value is from the goal: of two, the smaller is better. Meaningless for Goal::none.
double badness(double value, Goal goal);

// "kl [nats]", "spearman".
std::string metric_title(std::string_view name);

// The final metrics that summaries show, most telling first.
const std::vector<std::string>& main_metrics();

// Those in the line of a trial that runs, most telling first.
const std::vector<std::string>& told_metrics();

// Those by which one of an experiment's trials is chosen to start from: the first that any trial has.
const std::vector<std::string>& ranking_metrics();

// All that the table has, by name and not by what they are derived from.
std::vector<std::string> known_metrics();

// `names` sorted: the main metrics in their order, then loss and log_z_estimate, the rest by name.
std::vector<std::string> by_importance(std::vector<std::string> names);

// Exact values of the target that evaluation stores beside the results, and standard errors: not results themselves.
bool is_reference(std::string_view name);

// What a metric's points stand over: a step of training, the number of sites in a subset, a distance in sites.
enum class Axis { step, sites, distance };
Axis axis_of(std::string_view name);

}  // namespace marginalia
