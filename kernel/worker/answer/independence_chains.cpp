#include "kernel/worker/answer/independence_chains.h"

#include <ATen/ATen.h>
#include <marginalia/error.h>

#include <algorithm>
#include <cmath>

namespace marginalia {
namespace {

constexpr std::int64_t first_block = 16;      // steps; of a few moves each
constexpr std::int64_t first_refined = 4;     // the same, of many moves each
constexpr double least_moves = 8;             // of a chain in a block, on average
constexpr std::int64_t steps_at_a_time = 64;  // of a block: states that nobody is given take no more room

// Of one value a chain.
ChainMean mean_of(const at::Tensor& of_chain) {
    return {of_chain.mean().item<double>(),
            of_chain.std().item<double>() / std::sqrt(static_cast<double>(of_chain.size(0)))};
}

}  // namespace

Weighed Weighed::rows(const at::Tensor& places) const {
    const auto of = [&](const at::Tensor& all) { return all.defined() ? all.index_select(0, places) : all; };
    return {of(x), of(log_p), of(log_f), of(log_w), of(log_target)};
}

Weighed joined(const std::vector<Weighed>& pieces) {
    const auto all = [&](at::Tensor Weighed::* part) {
        std::vector<at::Tensor> values;
        for (const Weighed& piece : pieces) values.push_back(piece.*part);
        return values.back().defined() ? at::cat(values) : at::Tensor();
    };
    return {all(&Weighed::x), all(&Weighed::log_p), all(&Weighed::log_f), all(&Weighed::log_w),
            all(&Weighed::log_target)};
}

IndependenceChains::IndependenceChains(std::int64_t chains, Propose propose, at::Generator random)
    : chains_(chains), propose_(std::move(propose)), random_(std::move(random)), here_(propose_(chains)) {
    count_anew();
}

void IndependenceChains::count_anew() {
    steps_ = 0;
    squares_ = 0;
    accepted_.assign(static_cast<std::size_t>(chains_), 0);
    stay_ = accepted_;
}

bool IndependenceChains::settle(std::int64_t most, double least) {
    const std::int64_t begun = left_out_;  // by steps that were of no use
    ChainMean before = block(refine_ ? first_refined : first_block);
    bool settled = false;
    while (!settled && 2 * (left_out_ - begun) <= most) {
        const std::int64_t steps = left_out_ - begun;
        const ChainMean now = block(steps);
        if (accepted().mean < least) return false;
        const bool moved = refine_ || now.mean * static_cast<double>(steps) >= least_moves;
        settled = moved && std::abs(now.mean - before.mean) <= 2 * std::hypot(now.error, before.error);
        before = now;
    }
    count_anew();
    if ((here_.log_w == -INFINITY).any().item<bool>())
        throw Error("one of " + std::to_string(chains_) + " chains met no possible state of the target among its " +
                    std::to_string(left_out_) + " proposals; train the model longer");
    return settled;
}

ChainMean IndependenceChains::block(std::int64_t steps) {
    count_anew();
    at::Tensor targets = at::zeros({chains_}, at::kDouble);
    for (std::int64_t left = steps; left > 0; left -= steps_at_a_time) {
        const Weighed visited = walk(std::min(left, steps_at_a_time));
        if (refine_) targets += visited.log_target.view({-1, chains_}).sum(0);
    }
    left_out_ += steps;
    return refine_ ? mean_of(targets / static_cast<double>(steps)) : accepted();
}

ChainMean IndependenceChains::accepted() const {
    return mean_of(at::tensor(accepted_, at::kDouble) / static_cast<double>(steps_));
}

Weighed IndependenceChains::walk(std::int64_t steps) {
    const Weighed proposed = propose_(steps * chains_);
    const at::Tensor log_u = at::rand({steps * chains_}, random_, at::TensorOptions(at::kDouble)).log();
    std::vector<Weighed> visited;
    for (std::int64_t step = 0; step < steps; ++step) {
        const at::Tensor places = at::arange(step * chains_, (step + 1) * chains_, at::kLong);
        choose(proposed.rows(places), log_u.const_data_ptr<double>() + step * chains_);
        if (refine_) here_ = refine_(here_);
        visited.push_back(here_);
    }
    steps_ += steps;
    return joined(visited);
}

void IndependenceChains::choose(const Weighed& proposed, const double* log_u) {
    const Weighed both = joined({here_, proposed});
    at::Tensor place = at::arange(chains_, at::kLong);
    const auto* log_w = both.log_w.const_data_ptr<double>();
    for (std::int64_t chain = 0; chain < chains_; ++chain) {
        // Not a number where neither is a state of the target: then the chain stays.
        const bool moved = log_u[chain] < log_w[chains_ + chain] - log_w[chain];
        if (moved) place.data_ptr<std::int64_t>()[chain] += chains_;
        note(chain, moved);
    }
    here_ = both.rows(place);
}

void IndependenceChains::note(std::int64_t chain, bool moved) {
    const auto at = static_cast<std::size_t>(chain);
    if (moved) {
        ++accepted_[at];
        squares_ += std::pow(static_cast<double>(stay_[at]), 2);
        stay_[at] = 0;
    }
    ++stay_[at];
}

Walked IndependenceChains::walked() const {
    if (steps_ == 0) return {};
    double squares = squares_;
    for (const std::int64_t stay : stay_) squares += std::pow(static_cast<double>(stay), 2);
    return {steps_, accepted().mean, squares / static_cast<double>(steps_ * chains_)};
}

}  // namespace marginalia
