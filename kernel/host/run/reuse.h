// What the store has already of trials that an experiment asks for anew: under another experiment's name, or as a
// shorter training.
#pragma once

#include <string>
#include <vector>

#include "kernel/spec/experiment.h"
#include "store/store.h"

namespace marginalia {

struct Reusable {
    store::TrialId trial = 0;  // 0: nothing
    std::string experiment;    // of that trial
    std::int64_t step = -1;    // where it ends, being a shorter training of the same; -1: it is the same trial
    std::string why_not;       // nothing is reused, although there is a shorter training: why it cannot be continued
};

// For each trial of the experiment. `known`: those that it has itself, for which nothing is looked up. A trial is the
// same whose hash and seed are. A longer training goes on from a shorter one whose config differs in train.steps only,
// where that has kept its state (train.keep_state) and no step's learning rate depends on how many there are to be
// (train.schedule = "constant"): that gives what an unbroken one gives, bit for bit. Nothing is reused under run.reuse
// = false, nor what was made with another content of a file that a parameter names. `now`: the provenance record of a
// run that would start now.
std::vector<Reusable> find_reusable(store::Store& store, const Experiment& experiment, const PluginCatalogue& plugins,
                                    const nlohmann::json& now, const std::vector<bool>& known);

// The same for what the store does not have of the experiment, noted in its plan.
std::vector<Reusable> plan_reuse(store::Store& store, const Experiment& experiment, const PluginCatalogue& plugins,
                                 const nlohmann::json& now, store::PlannedSweep& sweep);

// What is done about it, a sentence each; empty: nothing.
std::vector<std::string> reuse_sentences(const std::vector<Reusable>& reusable);

}  // namespace marginalia
