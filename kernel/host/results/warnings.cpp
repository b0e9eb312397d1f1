#include "kernel/host/results/warnings.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "kernel/base/printable.h"

namespace marginalia {
namespace {

constexpr double telling_sigmas = 5;

// The worst of its kind so far, and in how many configurations something is wrong.
struct Warning {
    double severity = 0;
    std::string group, sentence, advice;  // "SENTENCE (GROUP): ADVICE"
    std::size_t groups = 0;
};

class Warnings {
public:
    explicit Warnings(const ExperimentResults& results) : results_(results) {}

    std::vector<std::string> all() {
        for (const Group& group : results_.groups) {
            see_impossible(group);
            see_negative_kl(group);
            see_observables(group);
            see_clipping(group);
        }
        std::vector<std::string> sentences;
        for (const std::string& kind : kinds_) sentences.push_back(text_of(worst_.at(kind)));
        return sentences;
    }

private:
    void add(const std::string& kind, const Group& group, double severity, std::string sentence, std::string advice) {
        const auto [place, is_new] = worst_.try_emplace(kind);
        if (is_new) kinds_.push_back(kind);
        Warning& worst = place->second;
        ++worst.groups;
        if (is_new || severity > worst.severity)
            worst = {severity, group.label, std::move(sentence), std::move(advice), worst.groups};
    }

    std::string text_of(const Warning& warning) const {
        std::string text = warning.sentence;
        if (results_.groups.size() > 1) text += " (" + printable(warning.group) + ")";
        text += warning.advice;
        if (warning.groups > 1) text += "; the same in " + count_text(warning.groups - 1, "other configuration");
        return text;
    }

    static std::optional<double> mean_of(const Group& group, const std::string& metric) {
        const auto found = group.finals.find(metric);
        if (found == group.finals.end() || !std::isfinite(found->second.mean)) return std::nullopt;
        return found->second.mean;
    }

    void see_impossible(const Group& group) {
        const std::optional<double> share = mean_of(group, "impossible");
        if (!share || *share <= 0) return;
        const std::string part = *share < 1 ? number_text(100 * *share, 3) + " %" : "all";
        add("impossible", group, *share, part + " of the model's states have log f = -infinity",
            ": kl and free_energy are infinite there");
    }

    void see_negative_kl(const Group& group) {
        const std::optional<double> kl = mean_of(group, "kl");
        if (!kl) return;
        const double error = group.finals.at("kl").standard_error.value_or(mean_of(group, "kl_stderr").value_or(0));
        if (error > 0 && *kl < -telling_sigmas * error)
            add("kl", group, -*kl / error, fmt::format("kl is below 0 by {:.0f} standard errors", -*kl / error),
                ", which cannot be: the energy's log Z is wrong; marginalia check-plugin finds such");
    }

    // A phase that the model lost shows in no figure over its own states. Trial by trial: each may have lost another.
    void see_observables(const Group& group) {
        for (const auto& [name, estimate] : group.finals) {
            constexpr std::string_view ending = "_reference";
            if (!name.starts_with("observable.") || !name.ends_with(ending)) continue;
            const std::string observable = name.substr(0, name.size() - ending.size());
            const TrialResult* worst = nullptr;
            double most = telling_sigmas;
            for (const std::size_t trial : group.trials)
                if (const double sigmas = departure(results_.trials[trial], observable); sigmas > most)
                    most = sigmas, worst = &results_.trials[trial];
            if (worst)
                add(observable, group, most,
                    fmt::format("{} of trial {} is {:.0f} standard errors off its reference states' ({} and {})",
                                printable(observable), worst->trial.id, most, number_text(worst->finals.at(observable)),
                                number_text(worst->finals.at(name))),
                    ": the model may have lost a part of the target");
        }
    }

    // How many standard errors the mean over one trial's own states is off that over its reference states; 0: unknown.
    static double departure(const TrialResult& result, const std::string& observable) {
        const auto value = [&](const std::string& ending) {
            const auto found = result.finals.find(observable + ending);
            return found == result.finals.end() ? std::nan("") : found->second;
        };
        const double error = std::hypot(value("_stderr"), value("_reference_stderr"));
        const double sigmas = std::abs(value("") - value("_reference")) / error;
        return std::isfinite(sigmas) ? sigmas : 0;
    }

    void see_clipping(const Group& group) {
        constexpr double usual = 0.1;
        if (const std::optional<double> share = mean_of(group, "clipped"); share && *share > usual)
            add("clipped", group, *share,
                fmt::format("train.clip shortened the gradient in {:.0f} % of the steps", *share * 100),
                ", which bends what is learnt: raise it far above gradient_norm, or give 0");
    }

    const ExperimentResults& results_;
    std::vector<std::string> kinds_;  // in the order of their first configurations
    std::map<std::string, Warning> worst_;
};

}  // namespace

std::vector<std::string> warnings_of(const ExperimentResults& results) { return Warnings(results).all(); }

}  // namespace marginalia
