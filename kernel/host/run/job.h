// A trial on its way through the scheduler.
#pragma once

#include <deque>
#include <map>
#include <string>
#include <vector>

#include "kernel/spec/experiment.h"
#include "store/rungs.h"

namespace marginalia {

inline constexpr int most_losses = 3;  // a trial that loses its worker more often is given up

// One way in which a trial is to be evaluated.
struct Evaluation {
    std::int64_t id = 0;                  // in the store
    const TrialConfig* config = nullptr;  // owned by the Experiment
    std::string label;                    // "seed 0, train.learning_rate 0.001"
};

// Trials that a stopping rule compares, a list for each energy or data set: figures of two are not comparable.
using ComparedTrials = std::vector<std::vector<store::TrialId>>;

// Is trained unless it has been, then evaluated in one way after the other; every one of these takes a slot of its own.
struct Job {
    store::TrialId trial = 0;
    const TrialConfig* config = nullptr;  // of the training, or the evaluation that is at hand
    std::string label;
    std::deque<Evaluation> evaluations;    // left
    bool trained = false;                  // the first of them is at hand
    bool waits = false;                    // at a rung, since an earlier run
    std::map<std::string, double> latest;  // newest value of each metric, of what came before
    int threads = 0;          // with which it began, so that it goes on bit for bit; 0: its slot's, -1: to be looked up
    int failures = 0;         // in this run
    int losses = 0;           // times its worker was killed from outside or not started, in this run
    bool fresh = false;       // once more, in a worker that has run nothing before
    bool begun = false;       // it has run in this run, or its training has
    std::int64_t memory = 0;  // bytes that it asks of its device; more than at first where that was not enough
    std::int64_t micro_batch = 0;  // train.micro_batch, halved each time that all there is of memory was too little
    int passed = 0;                // times that another which asks for less went before it
    bool alone = false;            // once more, with a device for itself, whose memory it did not find enough of
    std::string broke = {};        // the device whose use failed under it: its next one is another, if there is one
    int device_failures = 0;
    store::Standing standing = {};  // when it was claimed last
    store::Setback setback = {};    // the same
};

}  // namespace marginalia
