#include "kernel/spec/stop_checks.h"

#include <algorithm>

#include "kernel/spec/metrics.h"

namespace marginalia::config {
namespace {

class StopChecker {
public:
    StopChecker(const Node& table, const StopSettings& stop, const std::vector<TrialConfig>& trials, Faults& faults)
        : table_(table), stop_(stop), compares_(stop.rule != "none"), faults_(faults) {
        for (const TrialConfig& trial : trials) {
            steps_.push_back(train_of(trial.config).steps);
            evaluations_.push_back(trial.config.at("evaluation"));
        }
    }

    void check() {
        if (stop_.improvement > 0 && stop_.plateau == 0)
            add("improvement", "'stop.improvement' is what ends a plateau; add plateau = 500, its steps, or remove it");
        if (!compares_ && stop_.plateau == 0) return check_unused();
        if (stop_.metric.empty())
            return add(compares_ ? "rule" : "plateau",
                       "[stop] does not say which metric is looked at; add metric = \"kl\", \"loss\" or another that "
                       "the training or a quick evaluation records");
        if (stop_.direction() == Goal::none)
            add("metric", "of 'stop.metric' = \"" + stop_.metric +
                              "\" it is not known which values are better; add goal = \"min\" or goal = \"max\"");
        if (compares_) check_steps();
        check_recorded();
    }

private:
    void add(const char* key, const std::string& sentence) {
        const Node* given = table_.find(key);
        faults_.add(given ? given->place : table_.place, sentence);
    }

    // rule = "none" says that this is meant.
    void check_unused() {
        if (!stop_.metric.empty() && !table_.find("rule"))
            add("metric",
                "[stop] has a metric, but nothing that looks at it; add rule = \"asha\", rule = \"median\" or "
                "plateau = 500");
    }

    void check_steps() {
        const auto [shortest, longest] = std::ranges::minmax(steps_);
        if (stop_.is_asha() && shortest != longest)
            return add("rule", "'stop.rule' = \"asha\" compares trials of equal length, but some of these have " +
                                   std::to_string(shortest) + " steps and others " + std::to_string(longest) +
                                   "; give all the same train.steps, or use \"median\"");
        if (stop_.least_steps == 0)
            add("rule", "'stop.rule' = \"" + stop_.rule +
                            "\" needs least_steps, the number of steps before which no trial is stopped; add it");
        else if (stop_.least_steps >= longest)
            add("least_steps", "'stop.least_steps' = " + std::to_string(stop_.least_steps) +
                                   " must be below train.steps = " + std::to_string(longest) +
                                   ", or no trial is ever stopped");
    }

    // Figures of quick evaluations are there only where these are made.
    void check_recorded() {
        if (!metric_info(stop_.metric).drawn) return;
        for (const EvaluationSettings& evaluation : evaluations_) {
            if (evaluation.quick_samples == 0)
                return add("metric", "'stop.metric' = \"" + stop_.metric +
                                         "\" is a figure of quick evaluations, which evaluation.quick_samples = 0 "
                                         "turns off; give at least 2");
            if (evaluation.every == 0 && !only_at_rungs())
                return add("metric", "'stop.metric' = \"" + stop_.metric +
                                         "\" is recorded by quick evaluations, and evaluation.every = 0 makes none; "
                                         "give the steps between two of them");
        }
    }

    // A rung has an evaluation of its own.
    bool only_at_rungs() const { return stop_.is_asha() && stop_.plateau == 0; }

    const Node& table_;
    const StopSettings& stop_;
    const bool compares_;
    Faults& faults_;
    std::vector<std::int64_t> steps_;
    std::vector<EvaluationSettings> evaluations_;
};

}  // namespace

void check_stop(const Node& root, const StopSettings& stop, const std::vector<TrialConfig>& trials, Faults& faults) {
    const Node* table = root.find("stop");
    if (table && table->is_table() && !trials.empty()) StopChecker(*table, stop, trials, faults).check();
}

}  // namespace marginalia::config
