// Real numbers in states, and the mixtures of normal densities that conditionals are of them.
#include <doctest/doctest.h>

#include <cmath>
#include <numbers>

#include <ATen/ATen.h>
#include <marginalia/orders.h>
#include <marginalia/real_sites.h>
#include <marginalia/sampler.h>
#include <marginalia/site_terms.h>

#include "kernel/worker/model/trial_parts.h"

namespace train_real_sites {

using namespace marginalia;

namespace {

// Three symbols, a number, two symbols.
const Domain mixed{3, 3, {{3}, false}, {}, {3, 0, 2}};

double log_normal(double v, double mean, double deviation) {
    return -0.5 * std::pow((v - mean) / deviation, 2) - std::log(deviation) - 0.5 * std::log(2 * std::numbers::pi);
}

// Numbers (1, W) of a mixture.
at::Tensor mixture(const std::vector<double>& logits, const std::vector<double>& means,
                   const std::vector<double>& deviations) {
    std::vector<double> spreads;
    for (const double deviation : deviations) spreads.push_back(std::log(deviation - least_deviation));
    return at::cat({at::tensor(logits), at::tensor(means), at::tensor(spreads)}).to(at::kDouble).unsqueeze(0);
}

}  // namespace

TEST_CASE("a number goes into a state and comes back, and is known") {
    const std::vector<double> values = {0, 1, -1, 0.1, -3.25, 1e-9, 12345.678};
    const at::Tensor x = real_states(at::tensor(values, at::kDouble));
    CHECK((x.scalar_type() == at::kLong));
    CHECK((x < 0).all().item<bool>());
    for (std::size_t i = 0; i < values.size(); ++i) {
        const auto one = x[static_cast<std::int64_t>(i)].item<std::int64_t>();
        CHECK(real_state(values[i]) == one);
        CHECK(std::abs(real_value(one) - values[i]) <= real_step / 2);
        CHECK(real_values(x)[static_cast<std::int64_t>(i)].item<double>() == real_value(one));
    }
    CHECK(real_value(real_state(1e300)) == most_real);
    CHECK(real_value(real_state(-1e300)) == -most_real);
    CHECK(at::equal(real_values(at::tensor({0, 1, 254, 255}, at::kLong)), at::zeros({4}, at::kDouble)));
}

TEST_CASE("log p of a number is that of its mixture, and of a symbol that of its logits") {
    const at::Tensor numbers = mixture({0.3, -1.0}, {-2, 1.5}, {0.5, 0.001 + 1e-3});
    const double first = 1 / (1 + std::exp(-1.3));
    for (const double v : {-2.0, 0.0, 1.5, 1.5004}) {
        const double expected =
            std::log(first * std::exp(log_normal(v, -2, 0.5)) + (1 - first) * std::exp(log_normal(v, 1.5, 0.002)));
        const at::Tensor x = real_states(at::tensor({v}, at::kDouble));
        CAPTURE(v);
        CHECK(log_conditional(mixed, numbers, x).item<double>() == doctest::Approx(expected).epsilon(1e-4));
    }
    CHECK(log_conditional(mixed, numbers, real_states(at::tensor({1.5F}))).item<double>() > 3);  // a density
    const at::Tensor symbol = at::tensor({2}, at::kLong);
    CHECK(at::allclose(log_conditional(mixed, numbers, symbol), numbers.log_softmax(1).select(1, 2)));
}

TEST_CASE("the density of a mixture integrates to one") {
    const at::Tensor v = at::linspace(-12, 12, 24001, at::kDouble);
    const at::Tensor numbers = mixture({1, 0, -2}, {-3, 0.5, 2}, {1, 0.05, 2}).expand({v.numel(), -1});
    const at::Tensor p = log_conditional(mixed, numbers, real_states(v)).exp();
    CHECK(at::trapezoid(p, v).item<double>() == doctest::Approx(1).epsilon(1e-5));
}

TEST_CASE("the probability of an interval is the error function's") {
    const at::Tensor numbers = mixture({0.5, 0, -1}, {-1, 2, 2}, {0.3, 1, 2});
    const at::Tensor weights = at::tensor({0.5, 0.0, -1.0}, at::kDouble).softmax(0);
    const double means[] = {-1, 2, 2}, deviations[] = {0.3, 1, 2};
    for (const auto& [low, high] : std::vector<std::pair<double, double>>{
             {-1, 2}, {-HUGE_VAL, 0}, {0, HUGE_VAL}, {9, 10}, {-HUGE_VAL, HUGE_VAL}, {20, 30}, {3, 3}}) {
        double p = 0;
        for (int c = 0; c < 3; ++c) {
            const auto tail = [&](double v) {
                return std::erfc((v - means[c]) / deviations[c] / std::numbers::sqrt2) / 2;
            };
            p += weights[c].item<double>() * (tail(low) - tail(high));
        }
        CAPTURE(low);
        const double got =
            log_probability_between(numbers, at::tensor({low}, at::kDouble), at::tensor({high}, at::kDouble))
                .item<double>();
        if (p == 0) CHECK(got == -HUGE_VAL);
        else CHECK(got == doctest::Approx(std::log(p)).epsilon(1e-9));
    }
}

TEST_CASE("gradients of sites of both kinds are finite, whatever the numbers of the others would be as theirs") {
    const at::Tensor numbers = at::tensor({0.0, 1.0, -1e4, 0.0, 1.0, 2.0, 300.0, 400.0, 500.0, 0.0, 0.5, 0.0})
                                   .view({2, 6})
                                   .to(at::kFloat)
                                   .requires_grad_();
    const at::Tensor x = at::tensor({std::int64_t{1}, real_state(0.5)}, at::kLong);
    log_conditional(mixed, numbers, x).sum().backward();
    CHECK(numbers.grad().isfinite().all().item<bool>());
}

TEST_CASE("numbers and symbols are drawn with their probabilities") {
    at::Generator generator = make_generator(at::kCPU, 4, 2);
    constexpr std::int64_t count = 40000;
    const at::Tensor numbers = mixture({0, 0}, {-1, 3}, {0.5, 1}).to(at::kFloat).expand({count, -1});
    const at::Tensor x = draw_conditional(mixed, numbers, at::full({count}, 1, at::kLong), generator);
    const at::Tensor v = real_values(x);
    CHECK((x < 0).all().item<bool>());
    // Mean 1, variance (0.25 + 1) / 2 + 4; five standard errors.
    const double variance = 4.625;
    CHECK(std::abs(v.mean().item<double>() - 1) < 5 * std::sqrt(variance / count));
    CHECK(std::abs(v.var().item<double>() - variance) < 5 * variance * std::sqrt(2.0 / count));
    // Below 0: half of Φ(2) and half of Φ(-3).
    const double below = 0.5 * (std::erfc(-2 / std::numbers::sqrt2) / 2 + std::erfc(3 / std::numbers::sqrt2) / 2);
    CHECK(std::abs((v < 0).to(at::kDouble).mean().item<double>() - below) < 5 * std::sqrt(below * (1 - below) / count));
    const at::Tensor all = draw_conditionals(mixed, numbers.unsqueeze(1).expand({-1, 3, -1}), generator);
    CHECK((all.select(1, 0) >= 0).all().item<bool>());
    CHECK((all.select(1, 1) < 0).all().item<bool>());
}

TEST_CASE("where no site is real, nothing is drawn or computed otherwise") {
    const Domain symbols{3, 4, {{3}, false}};
    at::Generator one = make_generator(at::kCPU, 4, 2), same = make_generator(at::kCPU, 4, 2);
    const at::Tensor logits = at::randn({50, 4}, one), again = at::randn({50, 4}, same);
    const at::Tensor drawn = draw_conditional(symbols, logits, at::zeros({50}, at::kLong), one);
    CHECK(at::equal(drawn, sample_symbols(again, same)));
    CHECK(at::equal(log_conditional(symbols, logits, drawn),
                    logits.log_softmax(1).gather(1, drawn.unsqueeze(1)).squeeze(1)));
    CHECK_FALSE(real_sites(symbols, at::kCPU).defined());
}

TEST_CASE("saved states hold what their sites may hold") {
    const auto saved = [](std::int64_t a, std::int64_t b, std::int64_t c) {
        return saved_states({{"x", at::tensor({a, b, c}, at::kLong).unsqueeze(0)}}, "x", mixed);
    };
    CHECK(at::equal(saved(2, real_state(-0.5), 1),
                    at::tensor({std::int64_t{2}, real_state(-0.5), std::int64_t{1}}, at::kLong).unsqueeze(0)));
    for (const auto& [a, b, c] :
         std::vector<std::array<std::int64_t, 3>>{{3, real_state(0), 1}, {real_state(0), real_state(0), 1}, {0, 1, 1}})
        CHECK_THROWS_AS(saved(a, b, c), Error);
    const at::Tensor missing = at::tensor({std::int64_t{3}, std::int64_t{3}, std::int64_t{1}}, at::kLong).unsqueeze(0);
    CHECK(at::equal(saved_states({{"x", missing}}, "x", mixed, true), missing));
}

}  // namespace train_real_sites
