// `rm`: trials into the trash.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <marginalia/error.h>

#include "kernel/base/printable.h"
#include "kernel/host/results/summary.h"
#include "kernel/host/results/text.h"
#include "kernel/host/run/exit_codes.h"
#include "kernel/host/run/open_store.h"
#include "kernel/host/run/start_from.h"
#include "kernel/host/verbs/lookup.h"
#include "kernel/host/verbs/verbs.h"
#include "store/error.h"
#include "store/trash.h"

namespace marginalia {
namespace {

constexpr const char* footer_of_rm =
    R"(Moves trials with all that they have into the trash, a store of its own beside this one (marginalia.trash.db).
restore brings them back, and gc empties the trash and frees the room. Running trials are not removed, nor, without
--force, those from whose network others are to start, or whose first stage they are.

Examples:
  marginalia rm 3 5
  marginalia rm --experiment first-try)";

struct RmOptions {
    std::vector<std::string> trials;
    std::string experiment;
    bool force = false;
};

void refuse_running(store::Store& store, const std::vector<store::TrialId>& trials) {
    std::vector<store::TrialId> running;
    for (const store::TrialId trial : trials)
        if (store.find(trial)->status == store::Status::running) running.push_back(trial);
    if (!running.empty())
        throw Error(fmt::format("{} {} running; stop what runs before it is removed", trials_text(running),
                                running.size() == 1 ? "is" : "are"));
}

void refuse_needed(store::Store& store, const std::vector<store::TrialId>& trials) {
    const std::vector<Need> needs = needs_of_others(store, trials);
    if (needs.empty()) return;
    const Need& first = needs[0];
    const std::string others = needs.size() == 1 ? "" : fmt::format(" (and {} more such)", needs.size() - 1);
    throw Error(fmt::format(
        "trial {} is needed: trial {} {}{}; nothing was removed: name both, or give --force", first.trial, first.by,
        first.is_to_start ? "is to start from its network (train.start_from)"
                          : "started from its network, and the store has no other that its file could start from again",
        others));
}

std::vector<store::TrialId> named_trials(store::Store& store, const RmOptions& options) {
    std::vector<store::TrialId> trials = find_trials(store, options.trials);
    if (!options.experiment.empty())
        for (const auto& trial : store::list_trials(store, {.experiment = find_experiment(store, options.experiment)}))
            trials.push_back(trial.id);
    if (trials.empty()) throw Error("no trial is named; `marginalia list` lists them");
    return trials;
}

// The words after `restore` that bring them back.
std::string words_to_undo(const std::vector<store::TrialId>& trials, const std::string& experiment) {
    constexpr std::size_t most = 10;
    if (!experiment.empty()) return "--experiment " + shell_word(experiment);
    return trials.size() > most ? "TRIAL..." : fmt::format("{}", fmt::join(trials, " "));
}

int rm_verb(const Common& common, const RmOptions& options, std::ostream& out) {
    store::Store store = open_known_store(common.store);
    store.mark_lost();
    const std::vector<store::TrialId> trials = named_trials(store, options);
    refuse_running(store, trials);
    if (!options.force) refuse_needed(store, trials);
    store::Trash trash(store);
    const std::size_t replaced = trash.take(trials);
    out << fmt::format("{} {} in {} now; to undo this: marginalia restore {}{}\n", trials_text(trials),
                       trials.size() == 1 ? "is" : "are", printable(trash.contents().file().string()),
                       words_to_undo(trials, options.experiment), store_option(store));
    if (replaced > 0)
        out << fmt::format("{} there, removed before and trained again since, gave way to {}\n",
                           count_text(replaced, "earlier trial"), replaced == 1 ? "it" : "them");
    return exit_ok;
}

}  // namespace

void add_rm(CLI::App& app, CommandLine& line) {
    const auto [verb, options] = add_store_verb(app, line, "rm", "Move trials into the trash", rm_verb);
    verb->footer(footer_of_rm);
    CLI::Option* trials = verb->add_option("trials", options.trials, a_trial);
    verb->add_option("-e,--experiment", options.experiment, "all trials of this experiment")->excludes(trials);
    verb->add_flag("--force", options.force, "also what other trials start from");
}

}  // namespace marginalia
