#include "kernel/host/run/reuse.h"

#include <fmt/format.h>

#include <map>
#include <optional>
#include <set>
#include <utility>

#include "kernel/base/printable.h"
#include "kernel/host/results/text.h"
#include "kernel/host/run/origins.h"
#include "kernel/spec/identity.h"
#include "kernel/spec/settings.h"
#include "kernel/wire/recorder.h"
#include "store/queries.h"
#include "store/rungs.h"

namespace marginalia {
namespace {

using Key = std::pair<std::string, std::int64_t>;  // a hash and a seed

// A training whose number of steps is left open, and that number.
struct OpenEnded {
    std::string hash;
    std::int64_t steps = 0;
};

// Nothing of a config that is not whole, as `recover` may leave one.
std::optional<OpenEnded> open_ended(nlohmann::json config, const DeclaredOf& declared) {
    if (!config.is_object() || !config.contains("train") || !config["train"].is_object()) return std::nullopt;
    nlohmann::json& steps = config["train"]["steps"];
    if (!steps.is_number_integer()) return std::nullopt;
    const auto count = steps.get<std::int64_t>();
    steps = 0;
    return OpenEnded{split_config(config, declared).hash, count};
}

// The trials of a store that are done.
class Finished {
public:
    Finished(store::Store& store, const PluginCatalogue& plugins, const nlohmann::json& now)
        : store_(store), declared_(declared_by(plugins)),
          trials_(store::list_trials(store, {.statuses = {store::Status::done}})),
          changes_(changes_since(store, trials_, now)) {
        const std::vector<store::TrialId> slowed = store::trials_set_back(store);
        slowed_.insert(slowed.begin(), slowed.end());
        for (const store::Trial& trial : trials_) by_key_.emplace(Key(trial.config_hash, trial.seed), &trial);
    }

    Reusable find(const TrialConfig& wanted) {
        if (const auto same = by_key_.find({wanted.hash, wanted.seed}); same != by_key_.end())
            return has_old_input(*same->second) || !is_whole(*same->second, wanted)
                       ? Reusable()
                       : Reusable{same->second->id, same->second->experiment, -1, ""};
        const auto open = open_ended(wanted.config, declared_);
        if (!open) return {};
        find_lengths();
        const auto lengths = by_length_.find({open->hash, wanted.seed});
        if (lengths == by_length_.end()) return {};
        std::string why_not;
        for (auto at = lengths->second.lower_bound(open->steps); at != lengths->second.begin();) {
            const store::Trial& shorter = *(--at)->second;
            const std::string obstacle = obstacle_of(wanted, shorter, at->first);
            if (obstacle.empty()) return {shorter.id, shorter.experiment, at->first, ""};
            if (why_not.empty())
                why_not = fmt::format("not from step {} of trial {}: {}", at->first, shorter.id, obstacle);
        }
        return {0, "", -1, why_not};
    }

private:
    // What a rebuilt plugin computes may well be the same; what a file says that has changed is not.
    bool has_old_input(const store::Trial& trial) const {
        return changes_[static_cast<std::size_t>(&trial - trials_.data())].find("file ") != std::string::npos;
    }

    // Not one whose training was over early ([stop] plateau) or went on with a part of its learning rate.
    bool is_whole(const store::Trial& trial, const TrialConfig& wanted) const {
        const bool ended_early = trial.checkpoint_step >= 0 && trial.checkpoint_step < train_of(wanted.config).steps;
        return !ended_early && !slowed_.contains(trial.id);
    }

    void find_lengths() {
        if (!by_length_.empty()) return;
        std::map<std::string, std::optional<OpenEnded>> known;  // by config hash: seeds share one
        for (const store::Trial& trial : trials_) {
            const auto [open, is_new] = known.try_emplace(trial.config_hash);
            if (is_new) open->second = open_ended(nlohmann::json::parse(trial.config, nullptr, false), declared_);
            if (open->second) by_length_[{open->second->hash, trial.seed}].emplace(open->second->steps, &trial);
        }
    }

    std::string obstacle_of(const TrialConfig& wanted, const store::Trial& shorter, std::int64_t steps) {
        const std::string schedule = train_of(wanted.config).schedule;
        if (schedule != "constant")
            return fmt::format("the learning rates of train.schedule = \"{}\" depend on the number of steps", schedule);
        if (slowed_.contains(shorter.id)) return "it went on with a part of its learning rate";
        if (has_old_input(shorter)) return "a file that its parameters name has changed since";
        const auto kept = store::samples_of(store_, shorter.id, kept_state_sample);
        if (kept.empty() || kept.back().step != steps || shorter.checkpoint_step != steps)
            return "it has not kept the state to go on from, which train.keep_state = true keeps";
        return "";
    }

    store::Store& store_;
    const DeclaredOf declared_;
    const std::vector<store::Trial> trials_;
    const std::vector<std::string> changes_;  // since each of them ran
    std::set<store::TrialId> slowed_;
    std::map<Key, const store::Trial*> by_key_;
    std::map<Key, std::map<std::int64_t, const store::Trial*>> by_length_;
};

}  // namespace

std::vector<Reusable> find_reusable(store::Store& store, const Experiment& experiment, const PluginCatalogue& plugins,
                                    const nlohmann::json& now, const std::vector<bool>& known) {
    std::vector<Reusable> found(experiment.trials.size());
    if (!experiment.run.reuse) return found;
    std::optional<Finished> finished;
    for (std::size_t i = 0; i < found.size(); ++i) {
        if (known[i]) continue;
        if (!finished) finished.emplace(store, plugins, now);
        found[i] = finished->find(experiment.trials[i]);
    }
    return found;
}

std::vector<Reusable> plan_reuse(store::Store& store, const Experiment& experiment, const PluginCatalogue& plugins,
                                 const nlohmann::json& now, store::PlannedSweep& sweep) {
    std::set<Key> own;
    for (const store::Trial& trial : store::list_trials(store, {.experiment = experiment.name}))
        own.emplace(trial.config_hash, trial.seed);
    std::vector<bool> known;
    for (const TrialConfig& trial : experiment.trials) known.push_back(own.contains({trial.hash, trial.seed}));
    std::vector<Reusable> found = find_reusable(store, experiment, plugins, now, known);
    for (std::size_t i = 0; i < found.size(); ++i) {
        if (found[i].trial == 0) continue;
        std::string name = fmt::format("trial {} of experiment '{}'", found[i].trial, found[i].experiment);
        if (found[i].step >= 0) name = fmt::format("step {} of {}", found[i].step, name);
        sweep.trials[i].source = {found[i].trial, found[i].step < 0, std::move(name)};
    }
    return found;
}

std::vector<std::string> reuse_sentences(const std::vector<Reusable>& reusable) {
    std::map<std::string, std::set<store::TrialId>> taken;  // by experiment
    std::vector<const Reusable*> longer, anew;
    for (const Reusable& one : reusable) {
        if (!one.why_not.empty()) anew.push_back(&one);
        else if (one.step >= 0) longer.push_back(&one);
        else if (one.trial != 0) taken[one.experiment].insert(one.trial);
    }
    std::vector<std::string> sentences;
    for (const auto& [experiment, trials] : taken)
        sentences.push_back(
            fmt::format("{} taken over from experiment '{}', which has trained {} already; "
                        "run.reuse=false trains {} again",
                        count_text(trials.size(), "trial"), printable(experiment), trials.size() == 1 ? "it" : "them",
                        trials.size() == 1 ? "it" : "them"));
    if (!longer.empty())
        sentences.push_back(fmt::format("{} on where a shorter training ended,{} step {} of trial {}",
                                        count_text(longer.size(), "trial") + (longer.size() == 1 ? " goes" : " go"),
                                        longer.size() == 1 ? "" : " the first of them", longer[0]->step,
                                        longer[0]->trial));
    if (!anew.empty())
        sentences.push_back(fmt::format("{} trained from the start,{} {}", count_text(anew.size(), "trial"),
                                        anew.size() == 1 ? "" : " the first of them", anew[0]->why_not));
    return sentences;
}

}  // namespace marginalia
