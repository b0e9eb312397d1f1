#include "kernel/host/verbs/wishes.h"

#include <fmt/format.h>
#include <marginalia/error.h>

#include <algorithm>
#include <chrono>
#include <iostream>
#include <map>
#include <set>
#include <thread>

#include "kernel/base/printable.h"
#include "kernel/host/results/summary.h"
#include "kernel/host/run/exit_codes.h"
#include "kernel/host/run/open_store.h"
#include "kernel/host/verbs/lookup.h"

namespace marginalia {
namespace {

using Clock = std::chrono::steady_clock;
using store::Outcome;
using store::Status;
using store::Wish;

constexpr auto between_looks = std::chrono::milliseconds(100);
constexpr std::size_t most_lines = 20;  // about single trials

// Whether the trial is among those that --experiment means. Of those to be retried, the ones that are pruned or wait at
// a rung are a rule's to decide about.
bool is_meant(const store::Trial& trial, Wish wish) {
    const Status status = trial.status;
    if (wish != Wish::retry) return !store::facts_of(status).ended || status == Status::paused;
    const bool by_a_person = status == Status::cancelled || (status == Status::paused && !trial.waits);
    return store::facts_of(status).failed || by_a_person;
}

std::vector<store::TrialId> trials_meant(const WishOptions& options, Wish wish, const std::filesystem::path& file) {
    bring_up_to_date(file);
    store::Store store = store::Store::open_to_read(file);
    if (options.experiment.empty()) return find_trials(store, options.trials);
    std::vector<store::TrialId> trials;
    for (const store::Trial& trial :
         store::list_trials(store, {.experiment = find_experiment(store, options.experiment)}))
        if (is_meant(trial, wish)) trials.push_back(trial.id);
    return trials;
}

// Whether there is something to wait for: a host that is to stop a trial, or one that may take it up.
bool is_due(store::Store& store, const store::Answer& answer, Wish wish) {
    if (wish != Wish::retry) return answer.outcome == Outcome::asked;
    return answer.outcome == Outcome::happened && answer.trial.status == Status::queued &&
           store::is_under_way(store, answer.trial.experiment);
}

store::Answer look_again(store::Store& store, const store::Answer& before, Wish wish) {
    store::Answer now = before;
    if (wish == Wish::retry) now.trial = *store.find(before.trial.id);
    else if (!store::is_asked(store, before.trial.id)) now = store::ask(store, before.trial.id, wish);
    now.before = before.before;
    return now;
}

void wait_for(store::Store& store, std::vector<store::Answer>& answers, Wish wish, std::chrono::seconds patience) {
    const auto until = Clock::now() + patience;
    const auto due = [&](const store::Answer& answer) { return is_due(store, answer, wish); };
    while (Clock::now() < until && std::ranges::any_of(answers, due)) {
        std::this_thread::sleep_for(between_looks);
        for (store::Answer& answer : answers)
            if (due(answer)) answer = look_again(store, answer, wish);
    }
}

// The command that takes up what is queued.
std::string command_for(const store::Store& store, const store::Trial& trial) {
    return "marginalia resume " + shell_word(trial.experiment) + store_option(store);
}

std::string words_on_retry(store::Store& store, const store::Answer& answer) {
    const store::Trial& trial = answer.trial;
    if (answer.before == Status::running) return "goes on: what was asked of it is withdrawn";
    if (trial.status != Status::queued)
        return "queued again, and " + std::string(store::name_of(trial.status)) + " now";
    std::string words = "queued again";
    if (trial.checkpoint_step >= 0) words += fmt::format(", to go on from step {}", trial.checkpoint_step);
    if (store::is_under_way(store, trial.experiment))
        words += "; a run of " + printable(trial.experiment) + " takes it up when it has a slot free";
    return words;
}

std::string words_on_stop(const store::Answer& answer, Wish wish) {
    const store::Trial& trial = answer.trial;
    if (answer.outcome == Outcome::asked)
        return fmt::format("asked to {}; its host has not done it yet", store::name_of(wish));
    std::string words(store::name_of(trial.status));
    if (answer.before == trial.status) words += " already";
    if (trial.checkpoint_step >= 0) words += fmt::format("; its checkpoint of step {} is kept", trial.checkpoint_step);
    return words;
}

std::string words_on(store::Store& store, const store::Answer& answer, Wish wish) {
    if (answer.outcome == Outcome::refused)
        return fmt::format("{}, so there is nothing to {}", store::name_of(answer.before), store::name_of(wish));
    return wish == Wish::retry ? words_on_retry(store, answer) : words_on_stop(answer, wish);
}

void print(store::Store& store, const std::vector<store::Answer>& answers, Wish wish, std::ostream& out) {
    if (answers.size() > most_lines) {
        std::map<std::string, std::size_t> counts;
        for (const store::Answer& answer : answers)
            ++counts[answer.outcome == Outcome::asked ? words_on_stop(answer, wish)
                                                      : std::string(store::name_of(answer.trial.status))];
        for (const auto& [words, count] : counts) out << count_text(count, "trial") << ": " << words << '\n';
        return;
    }
    for (const store::Answer& answer : answers)
        out << "trial " << answer.trial.id << " of " << printable(answer.trial.experiment) << ": "
            << words_on(store, answer, wish) << '\n';
}

// What nobody runs yet.
void say_commands(store::Store& store, const std::vector<store::Answer>& answers) {
    std::set<std::string> commands;
    for (const auto& [outcome, before, trial] : answers)
        if (trial.status == Status::queued && !store::is_under_way(store, trial.experiment))
            commands.insert(command_for(store, trial));
    for (const std::string& command : commands) std::cerr << "to run what is queued: " << command << '\n';
}

}  // namespace

int wish_verb(const Common& common, const WishOptions& options, Wish wish, std::ostream& out) {
    if (options.trials.empty() == options.experiment.empty())
        throw Error("name trials, or an experiment by --experiment, and not both; `marginalia list` lists them");
    const std::vector<store::TrialId> trials = trials_meant(options, wish, common.store);
    if (trials.empty()) {
        std::cerr << fmt::format("marginalia: {} has no trial to {}\n", printable(options.experiment),
                                 store::name_of(wish));
        return exit_no_match;
    }
    store::Store store = open_store(common.store);
    std::vector<store::Answer> answers;
    store.transaction([&] {
        for (const store::TrialId trial : trials) answers.push_back(store::ask(store, trial, wish));
    });
    // A retried trial may have to wait for a slot, which is not waited for.
    const std::int64_t patience = wish == Wish::retry ? std::min<std::int64_t>(options.wait, 2) : options.wait;
    wait_for(store, answers, wish, std::chrono::seconds(patience));
    print(store, answers, wish, out);
    if (wish == Wish::retry) say_commands(store, answers);
    const auto any = [&](Outcome outcome) {
        return std::ranges::find(answers, outcome, &store::Answer::outcome) != answers.end();
    };
    if (any(Outcome::refused)) return exit_no_match;
    return any(Outcome::asked) && options.wait > 0 ? exit_trial_failed : exit_ok;
}

void add_wish_options(CLI::App* verb, WishOptions& options) {
    verb->add_option("trials", options.trials, a_trial)->check(names_a_trial);
    verb->add_option("-e,--experiment", options.experiment, "all trials of this experiment instead");
    verb->add_option("--wait", options.wait, "seconds to wait until a running host has done it; 10 if left out")
        ->check(whole_number(0, 86400));
}

}  // namespace marginalia
