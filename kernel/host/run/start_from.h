// `train.start_from` beside what the store holds.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "kernel/spec/experiment.h"
#include "store/store.h"

namespace marginalia {

// Throws Error if a trial is to start from the network of an experiment of which no trial in the store is done: said
// before anything is queued, not trial by trial. There need not be a store yet. A first stage of the experiment's own
// will have been run by then.
void require_start_experiments(const Experiment& experiment, const std::filesystem::path& store);

// The network that `train.start_from` means for a trial of this seed. Of "EXPERIMENT@HASH" that of the finished trial
// of that config and seed; of "EXPERIMENT" that of the one of the same seed, else of the one of the lowest KL, else of
// the lowest negative log-likelihood, where the experiment has several energies or data sets among those of `target`
// (target_of, work_list.h). nullopt: there is none.
std::optional<store::StoredCheckpoint> find_network(store::Store& store, const std::string& start_from,
                                                    std::int64_t seed, const std::string& target);

// A trial that another one needs: one that is still to start from its network, or one whose first stage or start
// nothing else in the store would be.
struct Need {
    store::TrialId trial = 0, by = 0;
    bool is_to_start = false;
};
// Which of these trials others need that are not among them, one for each of those others.
std::vector<Need> needs_of_others(store::Store& store, const std::vector<store::TrialId>& trials);

}  // namespace marginalia
