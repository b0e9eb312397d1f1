#include "kernel/worker/answer/chain_sample.h"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "kernel/worker/answer/proposals.h"
#include "kernel/worker/evaluate/reference.h"

namespace marginalia {
namespace {

constexpr std::int64_t parallel_chains = 16;
constexpr std::int64_t most_settling = 1024;  // steps of each chain
constexpr std::uint64_t chain_stream = 10;    // of the request's seed
constexpr double long_enough = 50;            // autocorrelation times of a chain that measures them
constexpr double few_accepted = 0.1;          // of the proposals: exchanges then come between them
constexpr std::int64_t few_sweeps = 300;      // of exchanges, where nobody names a number
constexpr std::int64_t functions = 16;        // of the symbols

std::string density_words(Model::Density density) {
    return density == Model::Density::bound ? "a bound" : density == Model::Density::none ? "not known" : "an estimate";
}

void refuse_exchanges_of_nothing(const InferenceRequest& request, const TrainedModel& trained) {
    if (request.exchange <= 0) return;
    if (request.holding.empty())
        throw Error("--exchange keeps the numbers of symbols that --holding gives; add --holding, or leave it out");
    if (!trained.parts.energy)
        throw Error(
            fmt::format("--exchange moves states on a trial's energy, and this one learnt from dataset '{}'; "
                        "leave it out",
                        request.trial.settings.plugin("dataset").plugin));
}

void refuse_what_has_no_target(const InferenceRequest& request, const TrainedModel& trained) {
    const std::string objective = request.trial.settings.plugin("objective").plugin;
    if (request.metropolis && !trained.parts.energy)
        throw Error(fmt::format("--metropolis draws states of a trial's energy, and this one learnt from dataset '{}'",
                                request.trial.settings.plugin("dataset").plugin));
    const char* option = request.metropolis ? "--metropolis" : "--holding";
    if (trained.model->density() != Model::Density::exact)
        throw Error(fmt::format("{} needs the exact density of the model's states, and that of objective '{}' is {}",
                                option, objective, density_words(trained.model->density())));
    if (!request.holding.empty() && request.passes > 0)
        throw Error("--holding draws states site by site; leave --passes out");
}

// What R-hat and effective numbers are taken of: the log-density of the target at each step and, where a stay at a
// state says nothing, the symbols themselves, as linear functions of them with random weights, whose variances add up
// to those of all symbols on average.
class Series {
public:
    Series(const Domain& domain, const char* target, bool symbols) : domain_(domain), target_(target) {
        if (!symbols) return;
        at::Generator fixed = make_generator(at::kCPU, 0, chain_stream);
        weights_ = at::randn({domain.sites * domain.categories, functions}, fixed, at::kDouble);
    }

    void add(const Weighed& rows) {
        log_targets_.push_back(rows.log_target.view({-1, parallel_chains}));
        if (!weights_.defined()) return;
        const at::Tensor values = at::one_hot(rows.x, domain_.categories).flatten(1).to(at::kDouble).matmul(weights_);
        symbols_.push_back(values.view({-1, parallel_chains, functions}));
    }

    // The largest R-hat and the smallest effective number.
    Convergence convergence() const {
        Convergence worst = of_target();
        if (!weights_.defined()) return worst;
        const Convergence symbols = of_symbols();
        return {std::max(worst.rhat, symbols.rhat), std::min(worst.ess, symbols.ess)};
    }

    std::string rhats() const {
        const std::string target = fmt::format("R-hat of {} {}", target_, text_of(of_target().rhat));
        return weights_.defined() ? fmt::format("{}, of the symbols {}", target, text_of(of_symbols().rhat)) : target;
    }

private:
    static std::string text_of(double rhat) { return std::isfinite(rhat) ? fmt::format("{:.4f}", rhat) : "unknown"; }
    Convergence of_target() const { return convergence_of(at::cat(log_targets_).t()); }
    Convergence of_symbols() const { return convergence_of(at::cat(symbols_).transpose(0, 1)); }

    const Domain& domain_;
    const char* target_;
    at::Tensor weights_;                             // (D K, functions)
    std::vector<at::Tensor> log_targets_, symbols_;  // (steps, chains) and (steps, chains, functions) each
};

// What became of the chains of a request.
struct Outcome {
    bool settled;
    std::int64_t sweeps;  // of exchanges after each proposal
    std::int64_t left_out;
    Walked walked;
    Convergence convergence;

    // In steps. With exchanges no longer that of the stays.
    double correlation_time() const {
        if (sweeps == 0) return walked.correlation_time;
        return std::max(1.0, static_cast<double>(walked.steps * parallel_chains) / convergence.ess);
    }
    double effective() const {
        const double effective = static_cast<double>(walked.steps * parallel_chains) / correlation_time();
        return std::isfinite(convergence.ess) ? std::min(effective, convergence.ess) : effective;
    }
};

// What of the figures is not to be believed, and what to do; empty: nothing.
std::string doubts(const Outcome& outcome) {
    const double time = outcome.correlation_time();
    const double length = static_cast<double>(outcome.walked.steps), enough = long_enough * time;
    if (!outcome.settled)
        return fmt::format(
            "not settled: {} after {} steps; the states lean to what is proposed, and the other figures "
            "are guesses",
            outcome.sweeps > 0 ? "the density of the states was still changing"
                               : "the share of proposals accepted was still changing, or tiny,",
            outcome.left_out);
    if (!(length >= enough))
        return fmt::format(
            "guesses: the autocorrelation time and what follows from it, as each chain has fewer than "
            "{:g} such times; -n {:.0f} would do",
            long_enough, std::ceil(enough) * static_cast<double>(parallel_chains));
    // What R-hat squared is above 1 by chance where the two halves of all chains agree.
    const double by_chance = 2 * time / length, rhat = outcome.convergence.rhat;
    if (rhat > 1.01 && rhat * rhat - 1 > 2 * by_chance)
        return "not mixed: the chains disagree, as R-hat says; draw more states";
    return "";
}

std::string moves_text(const InferenceRequest& request, std::int64_t sweeps, const Proposals& proposals) {
    if (sweeps == 0) return "";
    const std::string text = fmt::format(", {} sweeps of exchanges after each", sweeps);
    return request.metropolis ? text
                              : text + fmt::format(", {:.3f} of their results accepted", proposals.share_exchanged());
}

std::string report_of(const Outcome& outcome, const std::string& moves, const Series& series) {
    const std::int64_t states = outcome.walked.steps * parallel_chains;
    const std::string doubt = doubts(outcome);
    return fmt::format(
        "{} chains of proposals by the model: {} steps of each left out, {} kept; {:.3f} of the proposals accepted{}\n"
        "autocorrelation time {:.3g} steps, {:.0f} effective states of {}, {}\n{}{}",
        parallel_chains, outcome.left_out, outcome.walked.steps, outcome.walked.accepted, moves,
        static_cast<double>(states) / outcome.effective(), outcome.effective(), states, series.rhats(), doubt,
        doubt.empty() ? "" : "\n");
}

// How many sweeps of exchanges the chains take after each proposal, which they begin with, and whether they settled.
std::pair<std::int64_t, bool> settle(const InferenceRequest& request, Proposals& proposals,
                                     IndependenceChains& walkers) {
    const auto begin = [&](std::int64_t sweeps) {
        walkers.refine_by([&proposals, sweeps](const Weighed& here) { return proposals.exchanged(here, sweeps); });
        return std::pair(sweeps, walkers.settle(most_settling));
    };
    if (request.exchange > 0) return begin(request.exchange);
    const bool may_begin = request.exchange < 0 && request.metropolis && proposals.can_exchange();
    const bool settled = walkers.settle(most_settling, may_begin ? few_accepted : 0);
    const bool too_few = walkers.walked().steps > 0;  // the block that ended it
    if (too_few) return begin(few_sweeps);
    return {0, settled};
}

}  // namespace

bool wants_chains(const InferenceRequest& request) {
    return request.metropolis || !request.holding.empty() || request.exchange > 0;
}

std::string sample_by_chains(const InferenceRequest& request, const TrainedModel& trained, at::Generator& generator,
                             const Tick& tick, const std::function<void(const Weighed&)>& write) {
    refuse_exchanges_of_nothing(request, trained);
    refuse_what_has_no_target(request, trained);
    Proposals proposals(request, trained, generator, tick);
    IndependenceChains walkers(
        parallel_chains, [&](std::int64_t count) { return proposals.draw(count); },
        make_generator(at::kCPU, request.trial.seed, chain_stream));
    const auto [sweeps, settled] = settle(request, proposals, walkers);
    Series series(trained.parts.domain, request.metropolis ? "log f" : "log p", sweeps > 0);
    const std::int64_t steps = std::max<std::int64_t>(1, request.batch / parallel_chains);
    for (std::int64_t left = request.count; left > 0; left -= steps * parallel_chains) {
        const std::int64_t wanted = std::min(left, steps * parallel_chains);
        const Weighed rows = walkers.walk((wanted + parallel_chains - 1) / parallel_chains);
        series.add(rows);
        write(proposals.with_log_p(rows.rows(at::arange(wanted))));
    }
    return report_of({settled, sweeps, walkers.left_out(), walkers.walked(), series.convergence()},
                     moves_text(request, sweeps, proposals), series);
}

}  // namespace marginalia
