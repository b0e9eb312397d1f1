// What is said of a stopping rule.
#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "kernel/host/results/text.h"
#include "kernel/host/run/stop_rules.h"

namespace marginalia {
namespace {

std::string better(const StopSettings& stop) {
    switch (stop.direction()) {
        case Goal::high: return "higher is better";
        case Goal::zero: return "nearer to 0 is better";
        default: return "lower is better";
    }
}

// "at steps 50, 150, 450 of 1000 the best 27, 9, 3 of 81 go on"
std::string rungs_text(const StopSettings& stop, const std::vector<std::size_t>& all, std::int64_t steps) {
    const bool alike = std::ranges::adjacent_find(all, std::not_equal_to<>()) == all.end();
    std::string at, counts;
    const std::size_t trials = all.empty() ? 0 : all.front();
    std::size_t left = trials;
    for (const std::int64_t step : rung_steps(stop, steps)) {
        left = std::max<std::size_t>(1, left / static_cast<std::size_t>(stop.reduction));
        at += (at.empty() ? "" : ", ") + std::to_string(step);
        counts += (counts.empty() ? "" : ", ") + std::to_string(left);
    }
    const std::string where = fmt::format("at {} {} of {}", at.find(',') == at.npos ? "step" : "steps", at, steps);
    if (!alike) return fmt::format("{} one of {} goes on", where, stop.reduction);
    return fmt::format("{} the best {} of {} go on", where, counts, trials);
}

}  // namespace

std::string ordinal(std::size_t number) {
    const std::size_t last = number % 10, two = number % 100;
    const bool is_teen = two >= 11 && two <= 13;
    return std::to_string(number) + (is_teen ? "th" : last == 1 ? "st" : last == 2 ? "nd" : last == 3 ? "rd" : "th");
}

std::int64_t steps_of(const Experiment& experiment) {
    return experiment.trials.empty() ? 0 : train_of(experiment.trials.front().config).steps;
}

std::string stop_words(const StopSettings& stop, const std::vector<std::size_t>& trials, std::int64_t steps) {
    std::string words;
    const std::string among =
        trials.size() < 2 ? "" : fmt::format(", among the trials of each of {} energies or data sets", trials.size());
    const auto add = [&](const std::string& more) { words += (words.empty() ? "" : "; ") + more; };
    const std::string by = fmt::format(" by {} ({})", stop.metric, better(stop));
    if (stop.is_asha())
        add("asha" + by + among + ": " + rungs_text(stop, trials, steps) +
            (stop.wait ? "" : ", decided without waiting"));
    if (stop.is_median())
        add("median" + by + among +
            fmt::format(": from step {} on, once {} trained", stop.least_steps,
                        count_text(static_cast<std::size_t>(stop.least_trials), "trial") +
                            (stop.least_trials == 1 ? " is" : " are")));
    if (stop.plateau > 0)
        add(fmt::format("a training ends once {} has not improved for {} steps", stop.metric, stop.plateau));
    if (stop.nan == "retry") add("a step that is not finite is tried again with a tenth of the learning rate");
    if (stop.time_budget > 0) add("the run ends after " + duration_text(stop.time_budget));
    if (stop.trial_budget > 0) add(fmt::format("the first {} trials are run", stop.trial_budget));
    return words;
}

}  // namespace marginalia
