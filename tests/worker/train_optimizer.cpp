#include <doctest/doctest.h>

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <cmath>

#include "kernel/worker/train/optimizer.h"
#include "tests/worker/trial_fixture.h"

using namespace marginalia;

namespace {

TrainSettings train_table(const std::string& extra = "") {
    return request_of(
               "name = \"t\"\n[energy]\nplugin = \"ising\"\n[network]\nplugin = \"mlp\"\n[sampler]\nplugin = "
               "\"block-gibbs\"\n"
               "[objective]\nplugin = \"mam-energy\"\n[train]\nsteps = 100\nlearning_rate = 0.1\n" +
               extra)
        .settings.train;
}

void descend(Optimizer& optimizer, const at::Tensor& w, std::int64_t from, std::int64_t to) {
    for (std::int64_t step = from; step <= to; ++step) {
        (w - 3).square().sum().backward();
        optimizer.update(step);
    }
}

}  // namespace

TEST_CASE("the learning rate is held for half the steps, then falls to its final fraction") {
    const Optimizer optimizer({}, train_table("warmup = 10"));
    CHECK(optimizer.learning_rate(5) == doctest::Approx(0.05));
    CHECK(optimizer.learning_rate(10) == doctest::Approx(0.1));
    CHECK(optimizer.learning_rate(50) == doctest::Approx(0.1));
    CHECK(optimizer.learning_rate(76) == doctest::Approx(0.051).epsilon(0.02));
    CHECK(optimizer.learning_rate(100) == doctest::Approx(0.002).epsilon(0.1));
}

TEST_CASE("the first Adam step moves by the learning rate against the gradient's sign") {
    const at::Tensor w = at::zeros({2}).set_requires_grad(true);
    Optimizer optimizer({w}, train_table());
    descend(optimizer, w, 1, 1);
    CHECK(at::allclose(w.detach(), at::full({2}, 0.1)));
    CHECK(!w.grad().defined());
}

TEST_CASE("a minimum is found, and averaged weights can be put in and taken out") {
    const at::Tensor w = at::zeros({2}).set_requires_grad(true);
    Optimizer optimizer({w}, train_table("ema = 0.9"));
    descend(optimizer, w, 1, 100);
    CHECK(w[0].item<double>() == doctest::Approx(3).epsilon(0.05));
    const at::Tensor raw = w.detach().clone();
    optimizer.swap_average();
    CHECK(!at::equal(w, raw));
    optimizer.swap_average();
    CHECK(at::equal(w, raw));
}

TEST_CASE("a loaded state continues bit for bit") {
    const at::Tensor a = at::zeros({2}).set_requires_grad(true), b = at::zeros({2}).set_requires_grad(true);
    Optimizer first({a}, train_table("ema = 0.9")), second({b}, train_table("ema = 0.9"));
    descend(first, a, 1, 20);
    {
        const at::NoGradGuard no_grad;
        b.copy_(a);
    }
    second.load(first.state());
    descend(first, a, 21, 40);
    descend(second, b, 21, 40);
    CHECK(at::equal(a, b));
}

// The norm says so, and the host reads it when it records: tests/worker/train_watch.cpp.
TEST_CASE("broken gradients show in the norm, and do not hold up the step") {
    const at::Tensor w = at::full({1}, -1e6).set_requires_grad(true);
    Optimizer optimizer({w}, train_table("clip = 1.0"));
    (w * INFINITY).sum().backward();
    optimizer.update(1);
    CHECK_FALSE(std::isfinite(optimizer.gradient_norm().item<double>()));
}

TEST_CASE("what is clipped has the bits of a product with clip / norm") {
    const at::Tensor w = at::zeros({3}).set_requires_grad(true), slope = at::tensor({3.0F, 4.7F, -0.1F});
    Optimizer optimizer({w}, train_table("clip = 0.7"));
    (w * slope).sum().backward();
    const double norm = at::stack({slope.norm()}).norm().item<double>();
    optimizer.update(1);
    at::Tensor expected = at::zeros({3});  // Adam's first moment
    expected.lerp_(slope * (0.7 / norm), 1 - 0.9);
    CHECK(at::equal(optimizer.state().at("first.0"), expected));
}

// Adam's first moment after one step is (1 - beta1) times the gradient it was given.
TEST_CASE("what the objective has of its own neither counts in the norm nor is clipped") {
    const at::Tensor w = at::zeros({2}).set_requires_grad(true), log_z = at::zeros({}).set_requires_grad(true);
    Optimizer optimizer({w}, train_table("clip = 5.0"), {log_z});
    const auto step = [&](float scale, std::int64_t number) {
        (scale * (3 * w[0] + 4 * w[1]) + 1e6 * log_z).backward();
        optimizer.update(number);
    };
    step(1, 1);
    CHECK(optimizer.gradient_norm().item<double>() == doctest::Approx(5));
    CHECK(optimizer.clipped().item<std::int64_t>() == 0);
    const auto moment = [&](const char* name) { return optimizer.state().at(name).sum().item<double>() / 0.1; };
    CHECK(moment("first.0") == doctest::Approx(7));
    CHECK(moment("first.1") == doctest::Approx(1e6));
    step(2, 2);
    CHECK(optimizer.gradient_norm().item<double>() == doctest::Approx(10));
    CHECK(optimizer.clipped().item<std::int64_t>() == 1);
    CHECK(moment("first.0") == doctest::Approx(7 * 0.9 + 7));
    CHECK(moment("first.1") == doctest::Approx(1.9e6));

    Optimizer resumed({w}, train_table("clip = 5.0"), {log_z});
    resumed.load(optimizer.state());
    CHECK(resumed.clipped().item<std::int64_t>() == 1);
}
