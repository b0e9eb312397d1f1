// Chains of independent proposals on a table of weights: how often they visit states, how long they stay, when they
// settle.
#include <ATen/ATen.h>
#include <doctest/doctest.h>
#include <marginalia/energy_states.h>

#include <cmath>

#include "kernel/worker/answer/independence_chains.h"
#include "kernel/worker/model/trial_parts.h"
#include "tests/plugins/energy_enumeration.h"

namespace train_independence_chains {

using namespace marginalia;
using energy_enumeration::Enumeration;

namespace {

// Symbols 0..n-1, proposed alike, the k-th with the weight exp(log_w[k]).
Propose proposals_of(const std::vector<double>& log_w, at::Generator& generator) {
    return [log_w, &generator](std::int64_t count) {
        const at::Tensor x = at::randint(static_cast<std::int64_t>(log_w.size()), {count, 1}, generator, at::kLong);
        const at::Tensor weights = at::tensor(log_w, at::kDouble).index_select(0, x.squeeze(1));
        return Weighed{x, at::zeros_like(weights), {}, weights};
    };
}

IndependenceChains chains_on(const std::vector<double>& log_w, at::Generator& generator, std::int64_t count = 16) {
    return {count, proposals_of(log_w, generator), make_generator(at::kCPU, 1, 2)};
}

// The mean over the target of (1 + R) / (1 - R), R the probability to stay.
double correlation_time_of(const std::vector<double>& log_w) {
    double sum = 0, total = 0;
    for (const double here : log_w) {
        double stays = 0;
        for (const double there : log_w)
            stays += (1 - std::min(1.0, std::exp(there - here))) / static_cast<double>(log_w.size());
        if (std::isfinite(here)) sum += std::exp(here) * (1 + stays) / (1 - stays);
        total += std::exp(here);
    }
    return sum / total;
}

}  // namespace

TEST_CASE("chains of proposals visit states as often as their weights say, and know how long they stay") {
    const std::vector<double> log_w{0, 1, -1, 2.5, -INFINITY};
    at::Generator generator = make_generator(at::kCPU, 3, 3);
    IndependenceChains chains = chains_on(log_w, generator);
    CHECK(chains.settle(1024));
    CHECK(chains.left_out() >= 32);
    constexpr std::int64_t steps = 4000, apart = 32;
    const at::Tensor x = chains.walk(steps).x.view({steps, 16}).slice(0, 0, steps, apart).flatten();
    const Enumeration all(1, 5, [&](State state) { return log_w[state[0]]; });
    CHECK(std::abs(energy_enumeration::chi_square_sigma(all, to_bytes(x.unsqueeze(1)))) < 4);
    const double exact = correlation_time_of(log_w);
    CHECK(exact > 2);
    CHECK(exact < apart / 4.0);
    CHECK(std::abs(chains.walked().correlation_time - exact) < 0.5);  // five standard errors
    CHECK(chains.walked().steps == steps);
}

TEST_CASE("proposals that are the target are all accepted, others that are too few are waited for, none are an error") {
    at::Generator generator = make_generator(at::kCPU, 3, 3);
    IndependenceChains same = chains_on({0.5, 0.5, 0.5}, generator);
    CHECK(same.settle(1024));
    CHECK(same.left_out() == 32);
    same.walk(100);
    CHECK(same.walked().accepted == 1);
    CHECK(same.walked().correlation_time == 1);

    std::vector<double> steep(40, 0);  // each chain climbs, and then meets the top once in 40 proposals
    for (std::size_t i = 0; i < 10; ++i) steep[i] = 20 + 10 * static_cast<double>(i);
    IndependenceChains seldom = chains_on(steep, generator);
    CHECK_FALSE(seldom.settle(256));
    CHECK(seldom.left_out() == 256);

    IndependenceChains never = chains_on({-INFINITY, -INFINITY}, generator);
    CHECK_THROWS_WITH_AS(
        never.settle(64),
        "one of 16 chains met no possible state of the target among its 64 proposals; train the model longer", Error);
}

TEST_CASE("moves between the proposals change nothing of how often states are visited, and settle by the target") {
    const std::vector<double> log_w{0, 1, -1, 2.5, 0.5, 6};
    const at::Tensor weights = at::tensor(log_w, at::kDouble);
    at::Generator generator = make_generator(at::kCPU, 3, 3), moves = make_generator(at::kCPU, 3, 4);
    IndependenceChains chains(
        16,
        [&](std::int64_t count) {
            Weighed states = proposals_of(log_w, generator)(count);
            states.log_target = states.log_w;
            return states;
        },
        make_generator(at::kCPU, 1, 2));
    int refined = 0;
    chains.refine_by([&](const Weighed& here) {  // Metropolis: one place up or down a ring
        ++refined;
        const at::Tensor step = 2 * at::randint(2, here.x.sizes(), moves, at::kLong) - 1;
        const at::Tensor there = (here.x + step).remainder(6), gain = weights.take(there) - weights.take(here.x);
        const at::Tensor x = at::where(at::rand(gain.sizes(), moves, at::kDouble).log() < gain, there, here.x);
        const at::Tensor log_w_of_x = weights.take(x.squeeze(1));
        return Weighed{x, here.log_p, {}, log_w_of_x, log_w_of_x};
    });
    CHECK(chains.settle(1024));
    CHECK(chains.left_out() >= 8);
    constexpr std::int64_t steps = 4000, apart = 32;
    const at::Tensor x = chains.walk(steps).x.view({steps, 16}).slice(0, 0, steps, apart).flatten();
    const Enumeration all(1, 6, [&](State state) { return log_w[state[0]]; });
    CHECK(std::abs(energy_enumeration::chi_square_sigma(all, to_bytes(x.unsqueeze(1)))) < 4);
    CHECK(refined == chains.left_out() + steps);
}

TEST_CASE("chains give up settling where fewer proposals are accepted than somebody wants") {
    std::vector<double> steep(40, 0);
    for (std::size_t i = 0; i < 10; ++i) steep[i] = 20 + 10 * static_cast<double>(i);
    at::Generator generator = make_generator(at::kCPU, 3, 3);
    IndependenceChains seldom = chains_on(steep, generator);
    CHECK_FALSE(seldom.settle(1024, 0.1));
    CHECK(seldom.left_out() == 32);
    CHECK(seldom.walked().accepted < 0.1);
}

}  // namespace train_independence_chains
