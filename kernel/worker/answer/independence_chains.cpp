#include "kernel/worker/answer/independence_chains.h"

#include <ATen/ATen.h>
#include <marginalia/error.h>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace marginalia {
namespace {

constexpr std::int64_t first_block = 16;      // steps
constexpr double least_moves = 8;             // of a chain in a block, on average
constexpr std::int64_t steps_at_a_time = 64;  // of a block: states that nobody is given take no more room

Weighed joined(const Weighed& first, const Weighed& second) {
    const auto both = [](const at::Tensor& a, const at::Tensor& b) { return b.defined() ? at::cat({a, b}) : b; };
    return {both(first.x, second.x), both(first.log_p, second.log_p), both(first.log_f, second.log_f),
            both(first.log_w, second.log_w)};
}

Share share_of(const std::vector<std::int64_t>& accepted, std::int64_t steps) {
    const auto chains = static_cast<double>(accepted.size()), length = static_cast<double>(steps);
    double mean = 0, square = 0;
    for (const std::int64_t count : accepted) mean += static_cast<double>(count) / length / chains;
    for (const std::int64_t count : accepted) square += std::pow(static_cast<double>(count) / length - mean, 2);
    return {mean, std::sqrt(square / (chains - 1) / chains)};
}

}  // namespace

Weighed Weighed::rows(const at::Tensor& places) const {
    const auto of = [&](const at::Tensor& all) { return all.defined() ? all.index_select(0, places) : all; };
    return {of(x), of(log_p), of(log_f), of(log_w)};
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

bool IndependenceChains::settle(std::int64_t most) {
    Share before = block(first_block);
    bool settled = false;
    while (!settled && 2 * left_out_ <= most) {
        const std::int64_t steps = left_out_;
        const Share now = block(steps);
        settled = now.mean * static_cast<double>(steps) >= least_moves &&
                  std::abs(now.mean - before.mean) <= 2 * std::hypot(now.error, before.error);
        before = now;
    }
    count_anew();
    if ((here_.log_w == -INFINITY).any().item<bool>())
        throw Error("one of " + std::to_string(chains_) + " chains met no possible state of the target among its " +
                    std::to_string(left_out_) + " proposals; train the model longer");
    return settled;
}

Share IndependenceChains::block(std::int64_t steps) {
    count_anew();
    for (std::int64_t left = steps; left > 0; left -= steps_at_a_time) walk(std::min(left, steps_at_a_time));
    left_out_ += steps;
    return share_of(accepted_, steps);
}

Weighed IndependenceChains::walk(std::int64_t steps) {
    const std::int64_t rows = steps * chains_;
    const Weighed all = joined(here_, propose_(rows));
    const at::Tensor u = at::rand({rows}, random_, at::TensorOptions(at::kDouble)).log();
    at::Tensor visited = at::empty({rows}, at::kLong);
    std::vector<std::int64_t> place(static_cast<std::size_t>(chains_));
    std::iota(place.begin(), place.end(), 0);
    const auto *log_w = all.log_w.const_data_ptr<double>(), *log_u = u.const_data_ptr<double>();
    for (std::int64_t row = 0; row < rows; ++row) {
        const std::int64_t chain = row % chains_, proposal = chains_ + row;
        std::int64_t& here = place[static_cast<std::size_t>(chain)];
        // Not a number where neither is a state of the target: then the chain stays.
        const bool moved = log_u[row] < log_w[proposal] - log_w[here];
        if (moved) here = proposal;
        visited.data_ptr<std::int64_t>()[row] = here;
        note(chain, moved);
    }
    steps_ += steps;
    here_ = all.rows(visited.slice(0, rows - chains_));
    return all.rows(visited);
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
    return {steps_, share_of(accepted_, steps_).mean, squares / static_cast<double>(steps_ * chains_)};
}

}  // namespace marginalia
