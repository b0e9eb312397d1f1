// What the host reads of steps, and when; and the counter that shows what would make it wait for a device.
#include <doctest/doctest.h>

#include <ATen/ATen.h>
#include <marginalia/host.h>

#include <cmath>
#include <string>

#include "kernel/worker/machine/device_waits.h"
#include "kernel/worker/model/trial_parts.h"
#include "kernel/worker/train/step_watch.h"
#include "tests/worker/trial_fixture.h"

namespace train_watch {

using namespace marginalia;

namespace {

at::Tensor scalar(double value) { return at::scalar_tensor(value, at::kFloat); }

constexpr const char* of_loss =
    " is not a finite number; lower train.learning_rate, or look at the energy with "
    "check-plugin";

// What reading says after steps from `first` on with these losses and norms of gradients.
std::string complaint(std::int64_t first, const std::vector<std::pair<double, double>>& steps,
                      std::int64_t doubted = 0) {
    StepWatch watch(at::kCPU, "o");
    for (const auto& [loss, norm] : steps) {
        std::vector<Doubt> doubts;
        if (first == doubted)
            doubts.push_back({scalar(0.5), [](double value) { return value > 0.25 ? "too much" : ""; }});
        watch.note(first++, scalar(loss), scalar(norm), doubts);
    }
    try {
        watch.read();
    } catch (const Error& error) {
        return error.what();
    }
    return "";
}

std::string training_error(int log_every) {
    TrialRequest request = request_of(
        "name = \"t\"\n[energy]\nplugin = \"ising\"\nrows = 3\ncolumns = 3\n[network]\nplugin = \"mlp\"\nhidden = 8\n"
        "layers = 2\n[sampler]\nplugin = \"block-gibbs\"\n[objective]\nplugin = \"mam-energy\"\n[evaluation]\n"
        "samples = 0\nnll_samples = 0\nmarginal_states = 0\n[train]\nsteps = 30\nbatch = 8\nlearning_rate = 1e38\n"
        "log_every = " +
        std::to_string(log_every) + "\n");
    MemoryRecorder recorder;
    try {
        run_trial(request, shipped_plugins(), recorder);
    } catch (const Error& error) {
        CHECK(recorder.checkpoints.empty());
        return error.what();
    }
    return "";
}

}  // namespace

TEST_CASE("what goes wrong first is reported, with its step") {
    const double nan = std::nan("");
    CHECK(complaint(1, {{1, 1}, {2, 2}, {-3, 1e30}}) == "");
    CHECK(complaint(1, {{1, 1}, {2, 2}, {nan, 1}, {1, 1}}) == std::string("the loss of step 3") + of_loss);
    CHECK(complaint(101, {{1, 1}, {-INFINITY, nan}}) == std::string("the loss of step 102") + of_loss);
    CHECK(complaint(101, {{nan, 1}}) == std::string("the loss of step 101") + of_loss);
    CHECK(complaint(1, {{1, 1}, {1, INFINITY}, {nan, nan}}) ==
          "the gradient of step 2 is not finite; lower train.learning_rate or look at the energy");
    CHECK(complaint(1, {{1, 1}, {1, 1}}, 2) == "objective 'o', step 2: too much");
    CHECK(complaint(1, {{1, 1}, {1, 1}, {nan, 1}}, 2) == "objective 'o', step 2: too much");
    CHECK(complaint(1, {{1, 1}, {nan, 1}, {1, 1}}, 3) == std::string("the loss of step 2") + of_loss);
}

TEST_CASE("scalars of any type are read by one copy, whatever is noted beside them") {
    StepWatch watch(at::kCPU, "o");
    watch.note(1, scalar(1), {}, {{scalar(0), [](double) { return ""; }}});
    WaitCounter counter;
    const auto read = watch.read({scalar(1.5), at::scalar_tensor(7, at::kLong), at::full({1}, 0.1, at::kDouble)});
    const DeviceWaits found = counter.take();
    CHECK(read == std::vector<double>{1.5, 7, 0.1});
    CHECK(found.text() == "");
    CHECK(found.to_host == 1);
    for (std::int64_t step = 2; step <= 1200; ++step)
        watch.note(step, {}, {}, {{scalar(0), [](double) { return ""; }}});
    CHECK(counter.take().to_host == 1);  // doubts do not pile up
}

TEST_CASE("a training that breaks says in which step, however seldom it is logged") {
    const std::string told = training_error(1);
    CHECK(told.starts_with("the loss of step "));
    CHECK(training_error(7) == told);
    CHECK(training_error(1000) == told);
}

TEST_CASE("the counter knows what a GPU would wait for") {
    const at::Tensor x = at::arange(6);
    WaitCounter counter;
    const auto found = [&](auto&& work) {
        counter.take();
        work();
        return counter.take().text();
    };
    CHECK(found([&] { x.sum().item<double>(); }) == "item 1");
    CHECK(found([&] { x.index({x > 2}); }) == "nonzero in index 1");
    CHECK(found([&] { at::equal(x, x); }) == "equal 1");
    CHECK(found([&] { at::allclose(x, x); }) == "allclose 1");
    CHECK(found([&] { x.cpu(); }) == "to 1");
    CHECK(found([&] { x.to(at::Device(at::kCPU)); }) == "to 1");
    CHECK(found([&] { x.to(at::Device(at::kCPU), at::kByte); }) == "to 1");
    CHECK(found([&] { at::repeat_interleave(x, x); }) == "repeat_interleave in repeat_interleave 1");
    CHECK(found([&] { at::_unique(x); }) == "_unique 1");
    // These do not wait on a GPU.
    CHECK(found([&] { x.to(at::kByte); }) == "");
    CHECK(found([&] { at::one_hot(x, 6); }) == "");
    CHECK(found([&] { x.index({x}).masked_fill(x > 2, 0).sum(); }) == "");
    CHECK(found([&] { x.repeat_interleave(2); }) == "");
    counter.take();
    to_host(x), to_device(x, at::kCPU), to_device(x, at::kCPU);
    const DeviceWaits marked = counter.take();
    CHECK(marked.text() == "");
    CHECK(marked.to_host == 1);
    CHECK(marked.to_device == 2);
}

TEST_CASE("the host's numbers are those of LibTorch's functions, bit for bit") {
    at::Generator one = make_generator(at::kCPU, 5, 9), other = make_generator(at::kCPU, 5, 9);
    for (int i = 0; i < 10; ++i) {
        CHECK(host_uniform(one) == at::rand({1}, other).item<double>());
        CHECK(host_integer(3, 17, one) == at::randint(3, 17, {1}, other, at::kLong).item<std::int64_t>());
        CHECK(host_integer(0, std::int64_t{1} << 62, one) ==
              at::randint(std::int64_t{1} << 62, {1}, other, at::kLong).item<std::int64_t>());
    }
}

}  // namespace train_watch
