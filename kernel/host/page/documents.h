// What the page asks for, as JSON. None of these functions writes; all throw StoreError where the store cannot give
// it (Kind::no_match: there is no such experiment, trial or metric) and Error for a question that is wrong.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "kernel/host/page/json_text.h"
#include "kernel/host/results/results.h"
#include "store/queries.h"

namespace marginalia::page {

// The store itself. `live`: the page may ask again and will find what is new.
Json store_document(const store::Store& store, bool live);

// What the list of experiments says of one's results.
struct Headline {
    Json best;  // the best configuration by the first metric that has a direction, of the first target; null: none is
    std::size_t seeds = 0;
};
Headline headline_of(const ExperimentResults& results);

// `rows`: oldest first.
using ExperimentRows = std::vector<std::pair<store::ExperimentInfo, Headline>>;
Json experiments_document(const ExperimentRows& rows, std::int64_t revision);

// The experiment that the page means by a name, which was made printable on the way to it. Throws Kind::no_match.
std::string experiment_named(store::Store& store, const std::string& name);

inline constexpr std::size_t most_of_an_error = 300;  // bytes, where trials are listed

// All of an experiment but its points. `where`: the condition by which its trials were chosen; empty: all.
Json experiment_document(store::Store& store, const ExperimentResults& results, const std::string& where,
                         std::int64_t revision);

inline constexpr std::int64_t least_points = 2, usual_points = 500, most_points = 5000;  // of a trial's curve
inline constexpr std::size_t most_trials = 200;                                          // of one question

// Which part of curves, and how fine.
struct CurveView {
    std::size_t points = usual_points;               // at most so many of a trial
    std::optional<std::int64_t> from = {}, to = {};  // steps; left out: all
    bool seconds = false;                            // when each point was recorded, from the trial's start
};

// The finite points of a metric of some trials. A trial with more points than are wanted has the mean, the least and
// the greatest of each of equal parts of its steps, added up in the store.
Json curves_document(store::Store& store, const std::string& metric, const std::vector<store::TrialId>& trials,
                     const CurveView& view);

// All of a trial but its points: what `show --format json` prints, and its log's end, its file and its flat config.
Json trial_document(store::Store& store, store::TrialId trial);

// The newest of each sample of some trials.
Json samples_of_trial(store::Store& store, store::TrialId trial);
Json samples_document(store::Store& store, const std::vector<store::TrialId>& trials);

// What runs now and what failed last.
Json running_document(store::Store& store, std::int64_t revision);

}  // namespace marginalia::page
