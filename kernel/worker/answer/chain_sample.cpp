#include "kernel/worker/answer/chain_sample.h"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "kernel/worker/answer/holding.h"
#include "kernel/worker/evaluate/evaluation.h"
#include "kernel/worker/evaluate/reference.h"

namespace marginalia {
namespace {

constexpr std::int64_t parallel_chains = 16;
constexpr std::int64_t most_settling = 1024;  // steps of each chain
constexpr std::uint64_t chain_stream = 10;    // of the request's seed
constexpr double long_enough = 50;            // autocorrelation times of a chain that measures them

void refuse_what_has_no_target(const InferenceRequest& request, const TrainedModel& trained) {
    const std::string objective = request.trial.settings.plugin("objective").plugin;
    if (request.metropolis && !trained.parts.energy)
        throw Error(fmt::format("--metropolis draws states of a trial's energy, and this one learnt from dataset '{}'",
                                request.trial.settings.plugin("dataset").plugin));
    const char* option = request.metropolis ? "--metropolis" : "--holding";
    if (trained.model->density() != Model::Density::exact)
        throw Error(fmt::format("{} needs the exact density of the model's states, and that of objective '{}' is {}",
                                option, objective,
                                trained.model->density() == Model::Density::bound ? "a bound" : "an estimate"));
    if (!request.holding.empty() && request.passes > 0)
        throw Error("--holding draws states site by site; leave --passes out");
}

// What is proposed, `request.batch` states at a time.
class Proposals {
public:
    Proposals(const InferenceRequest& request, const TrainedModel& trained, at::Generator& generator, const Tick& tick)
        : request_(request), trained_(trained), generator_(generator), tick_(tick) {
        if (request.holding.empty()) return;
        const TrialParts& parts = trained.parts;
        holding_.emplace(*parts.network, holding_of(request.holding, parts.domain), parts.device);
    }

    Weighed draw(std::int64_t count) const {
        std::vector<Weighed> pieces;
        for (std::int64_t left = count; left > 0; left -= request_.batch)
            pieces.push_back(draw_piece(std::min(left, request_.batch)));
        const auto all = [&](at::Tensor Weighed::* part) {
            std::vector<at::Tensor> values;
            for (const Weighed& piece : pieces) values.push_back(piece.*part);
            return values.front().defined() ? at::cat(values) : at::Tensor();
        };
        return {all(&Weighed::x), all(&Weighed::log_p), all(&Weighed::log_f), all(&Weighed::log_w)};
    }

private:
    Weighed draw_piece(std::int64_t count) const {
        const Generated drawn =
            holding_ ? holding_->draw(count, generator_, tick_) : trained_.model->generate(count, generator_, tick_);
        Weighed piece{drawn.x.cpu(), drawn.log_p.cpu(), {}, {}};
        const at::Tensor log_q = piece.log_p;
        if (holding_) piece.log_p = trained_.model->log_density(drawn.x, generator_, tick_).cpu();
        if (request_.metropolis) piece.log_f = log_f_of(trained_.parts, piece.x);
        piece.log_w = (request_.metropolis ? piece.log_f : piece.log_p) - log_q;
        return piece;
    }

    const InferenceRequest& request_;
    const TrainedModel& trained_;
    at::Generator& generator_;
    const Tick& tick_;
    std::optional<HoldingDraws> holding_;
};

// log f of the target at each step: what R-hat is taken of.
struct Series {
    const char* name;
    std::vector<at::Tensor> values;  // (steps, chains) each

    void add(const Weighed& rows) {
        values.push_back((rows.log_f.defined() ? rows.log_f : rows.log_p).view({-1, parallel_chains}));
    }
    Convergence convergence() const { return convergence_of(at::cat(values).t()); }
};

// What of the figures is not to be believed, and what to do; empty: nothing.
std::string doubts(bool settled, const IndependenceChains& walkers, const Walked& walked, double rhat) {
    const double length = static_cast<double>(walked.steps), enough = long_enough * walked.correlation_time;
    if (!settled)
        return fmt::format(
            "not settled: the share of proposals accepted was still changing, or tiny, after {} steps; "
            "the states lean to what is proposed, and the other figures are guesses",
            walkers.left_out());
    if (length < enough)
        return fmt::format(
            "guesses: the autocorrelation time and what follows from it, as each chain has fewer than "
            "{:g} such times; -n {:.0f} would do",
            long_enough, std::ceil(enough) * static_cast<double>(parallel_chains));
    // What R-hat squared is above 1 by chance where the two halves of all chains agree.
    const double by_chance = 2 * walked.correlation_time / length;
    if (rhat > 1.01 && rhat * rhat - 1 > 2 * by_chance)
        return "not mixed: the chains disagree, as R-hat says; draw more states";
    return "";
}

std::string report_of(bool settled, const IndependenceChains& walkers, const Series& series) {
    const Walked walked = walkers.walked();
    const Convergence convergence = series.convergence();
    const std::int64_t states = walked.steps * parallel_chains;
    double effective = static_cast<double>(states) / walked.correlation_time;
    if (std::isfinite(convergence.ess)) effective = std::min(effective, convergence.ess);
    const std::string rhat = std::isfinite(convergence.rhat) ? fmt::format("{:.4f}", convergence.rhat) : "unknown";
    const std::string doubt = doubts(settled, walkers, walked, convergence.rhat);
    return fmt::format(
        "{} chains of proposals by the model: {} steps of each left out, {} kept; {:.3f} of the "
        "proposals accepted\n"
        "autocorrelation time {:.3g} steps, {:.0f} effective states of {}, R-hat of {} {}\n{}{}",
        parallel_chains, walkers.left_out(), walked.steps, walked.accepted, static_cast<double>(states) / effective,
        effective, states, series.name, rhat, doubt, doubt.empty() ? "" : "\n");
}

}  // namespace

bool wants_chains(const InferenceRequest& request) { return request.metropolis || !request.holding.empty(); }

std::string sample_by_chains(const InferenceRequest& request, const TrainedModel& trained, at::Generator& generator,
                             const Tick& tick, const std::function<void(const Weighed&)>& write) {
    refuse_what_has_no_target(request, trained);
    const Proposals proposals(request, trained, generator, tick);
    IndependenceChains walkers(
        parallel_chains, [&](std::int64_t count) { return proposals.draw(count); },
        make_generator(at::kCPU, request.trial.seed, chain_stream));
    const bool settled = walkers.settle(most_settling);
    Series series{request.metropolis ? "log f" : "log p", {}};
    const std::int64_t steps = std::max<std::int64_t>(1, request.batch / parallel_chains);
    for (std::int64_t left = request.count; left > 0; left -= steps * parallel_chains) {
        const std::int64_t wanted = std::min(left, steps * parallel_chains);
        const Weighed rows = walkers.walk((wanted + parallel_chains - 1) / parallel_chains);
        series.add(rows);
        write(rows.rows(at::arange(wanted)));
    }
    return report_of(settled, walkers, series);
}

}  // namespace marginalia
