// Chains on the energy that draw the next states while a step trains, as they do where the trial's device is not the
// CPU: bit for bit what they draw without.
#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <cmath>
#include <thread>

#include <oneapi/tbb/global_control.h>

#include "tests/plugins/chain_sampling.h"
#include "tests/worker/fake_device.h"

namespace train_ahead {

using namespace marginalia;
using chain_sampling::Sampling;
using energy_plugin::Words;

namespace {

struct Chosen {
    const char* plugin;
    Words words;
};
const std::vector<Chosen> all_samplers{
    {"single-site-gibbs", {{"burn_in", "3"}}},
    {"metropolis", {{"burn_in", "2"}}},
    {"parallel-tempering", {{"temperatures", "4"}, {"burn_in", "3"}}},
    {"gibbs-with-gradients", {{"burn_in", "30"}}},
    {"swendsen-wang", {{"burn_in", "3"}}},
};

std::unique_ptr<const Energy> glass() {
    return energy_plugin::make("edwards-anderson",
                               {{"rows", "4"}, {"columns", "4"}, {"beta", "1.5"}, {"disorder_seed", "3"}});
}

void check_same(const StateDict& one, const StateDict& other) {
    CHECK(one.size() == other.size());
    for (const auto& [name, value] : one) CHECK(at::equal(value, other.at(name)));
}

// Four sites of log f = 0 that count their evaluations, take a while for each, and fail at one of them.
struct Watched final : Energy {
    explicit Watched(int milliseconds, int fails_at = -1) : Energy(4, 2), taken(milliseconds), fails_at(fails_at) {}
    double log_density(State) const override {
        if (++count == fails_at) throw Error("the energy has fallen over");
        std::this_thread::sleep_for(taken);
        return 0;
    }
    const std::chrono::milliseconds taken;
    const int fails_at;
    mutable std::atomic<int> count = 0;
};

// The number of the draw that fails, from 1, and what it says.
std::pair<int, std::string> failure(const Energy& energy, const at::Device& device) {
    Sampling sampling("single-site-gibbs", {{"burn_in", "0"}}, energy, 3, 1, device);
    for (int draw = 1; draw < 100; ++draw) try {
            sampling.draw();
        } catch (const Error& error) {
            return {draw, error.what()};
        }
    return {};
}

}  // namespace

TEST_CASE("states drawn ahead are the same, and so is a training that goes on from any step") {
    const oneapi::tbb::global_control limit(oneapi::tbb::global_control::max_allowed_parallelism, 2);
    const auto energy = glass();
    for (const auto& [plugin, words] : all_samplers) {
        CAPTURE(plugin);
        Sampling plain(plugin, words, *energy, 6, 1), ahead(plugin, words, *energy, 6, 1, fake_device::open());
        for (int step = 0; step < 50; ++step) {
            const at::Tensor drawn = ahead.draw();
            CHECK(drawn.device() == fake_device::open());
            CHECK((drawn.scalar_type() == at::kLong));
            CHECK(at::equal(drawn.cpu(), plain.draw()));
            if (step % 3 == 0) CHECK(ahead.sampler->report() == plain.sampler->report());
            if (step % 5 != 0) continue;
            const StateDict state = ahead.sampler->state();
            check_same(state, plain.sampler->state());
            Sampling resumed(plugin, words, *energy, 6, 2, fake_device::open()), other(plugin, words, *energy, 6, 1);
            if (step % 10 == 0) resumed.draw();  // one is under way when the state comes
            resumed.sampler->load(state), other.sampler->load(state);
            for (int i = 0; i < 3; ++i) CHECK(at::equal(resumed.draw().cpu(), other.draw()));
            CHECK(resumed.sampler->report() == other.sampler->report());
        }
    }
}

TEST_CASE("the next states are drawn before they are asked for, on threads that have nothing else to do") {
    const oneapi::tbb::global_control limit(oneapi::tbb::global_control::max_allowed_parallelism, 2);
    const Watched energy(0);
    Sampling sampling("single-site-gibbs", {}, energy, 8, 1, fake_device::open());
    sampling.draw();
    const int a_draw = 8 * 4 * 2, first = 8 + 101 * a_draw;  // the look at the start, and 101 sweeps
    for (int i = 0; i < 1000 && energy.count < first + a_draw; ++i)
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    CHECK(energy.count == first + a_draw);
    std::this_thread::sleep_for(std::chrono::milliseconds(30));
    CHECK(energy.count == first + a_draw);  // one draw, not more
    CHECK(sampling.sampler->report() == "8 chains, 101 sweeps each");
}

TEST_CASE("what fails while it is drawn ahead is said in the step that wants the states") {
    const oneapi::tbb::global_control limit(oneapi::tbb::global_control::max_allowed_parallelism, 2);
    const Watched plain(0, 100), ahead(0, 100);
    const auto expected = failure(plain, at::kCPU);
    CHECK(expected.first == 5);  // 3 looks at the start, and 24 evaluations a draw
    CHECK(expected.second == "the energy has fallen over");
    CHECK(failure(ahead, fake_device::open()) == expected);
}

TEST_CASE("a sampler may be let go while it draws") {
    const oneapi::tbb::global_control limit(oneapi::tbb::global_control::max_allowed_parallelism, 2);
    const Watched energy(1);
    const int a_draw = 100 * 4 * 2;
    int first = 0;
    {
        Sampling sampling("single-site-gibbs", {{"burn_in", "0"}}, energy, 100, 1, fake_device::open());
        sampling.draw();
        first = energy.count;
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    const int last = energy.count;
    CHECK(last < first + a_draw);  // what was left of it is not drawn
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    CHECK(energy.count == last);
}

}  // namespace train_ahead
