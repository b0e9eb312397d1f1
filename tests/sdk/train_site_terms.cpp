// log p as a sum over sites: weights of profiles, and the partial states that ask for them.
#include <doctest/doctest.h>

#include <cmath>
#include <numbers>

#include <ATen/ATen.h>
#include <marginalia/site_terms.h>

#include "kernel/worker/model/trial_parts.h"

using namespace marginalia;

TEST_CASE("the weights of a profile integrate what is linear between its nodes") {
    for (const std::int64_t nodes : {2, 3, 16}) {
        CAPTURE(nodes);
        const at::Tensor weights = profile_weights(nodes).to(at::kDouble), v = at::linspace(0, 1, nodes, at::kDouble);
        CHECK(weights.sum().item<double>() == doctest::Approx(1));
        CHECK((weights * v).sum().item<double>() == doctest::Approx(0.5));  // ∫ v d sin²(π v / 2)
        CHECK(at::allclose(weights, weights.flip(0), 1e-5, 1e-7));
        CHECK(weights.min().item<double>() > 0);
    }
    // v² has no exact value between nodes; its integral 1/2 - 2/π² is approached.
    const at::Tensor v = at::linspace(0, 1, 400, at::kDouble);
    const double square = (profile_weights(400).to(at::kDouble) * v.square()).sum().item<double>();
    CHECK(square == doctest::Approx(0.5 - 2 / (std::numbers::pi * std::numbers::pi)).epsilon(1e-4));
}

TEST_CASE("log probabilities are the softmax's, with few symbols and many, and so are their gradients") {
    at::Generator generator = make_generator(at::kCPU, 5, 1);
    for (const std::int64_t categories : {2, 8, 9, 40}) {
        CAPTURE(categories);
        const at::Tensor logits = (3 * at::randn({4, 6, categories}, generator)).requires_grad_();
        const at::Tensor symbols = at::randint(categories, {4, 6}, generator, at::kLong),
                         weights = at::randn({4, 6}, generator);
        const at::Tensor expected = logits.to(at::kDouble).log_softmax(2).gather(2, symbols.unsqueeze(2)).squeeze(2);
        const at::Tensor got = log_probabilities(logits, symbols);
        CHECK((got.scalar_type() == at::kFloat));
        CHECK(at::allclose(got.to(at::kDouble), expected, 1e-5, 1e-5));
        CHECK((log_probabilities(logits.detach().to(at::kBFloat16), symbols).scalar_type() == at::kFloat));
        (got * weights).sum().backward();
        const at::Tensor gradient = logits.grad().clone();
        logits.mutable_grad().reset();
        (expected * weights).sum().backward();
        CHECK(at::allclose(gradient, logits.grad(), 1e-4, 1e-5));
    }
}

TEST_CASE("so many sites stay known, any of them alike, and unknown ones stay unknown") {
    at::Generator generator = make_generator(at::kCPU, 3, 1);
    const std::int64_t rows = 4000, sites = 10;
    at::Tensor x = at::randint(3, {rows, sites}, generator, at::kLong);
    x.slice(1, 0, 2).fill_(3);  // two unknown sites, eight known
    for (const double place : {0.0, 0.3, 0.5, 0.9, 0.999999}) {
        CAPTURE(place);
        const at::Tensor states = hide(x, at::full({rows}, place), 3, generator);
        const auto left = std::min<std::int64_t>(
            7, static_cast<std::int64_t>(8 * std::pow(std::sin(std::numbers::pi * place / 2), 2)));
        const at::Tensor known = states != 3;
        CHECK((known.sum(1) == left).all().item<bool>());
        CHECK(at::equal(states.masked_select(known), x.masked_select(known)));
        CHECK_FALSE(known.slice(1, 0, 2).any().item<bool>());
        // Every known site stays in left/8 of the rows, within five standard errors.
        const double share = static_cast<double>(left) / 8,
                     error = std::sqrt(share * (1 - share) / static_cast<double>(rows));
        CHECK((known.slice(1, 2).to(at::kDouble).mean(0) - share).abs().max().item<double>() <= 5 * error);
    }
    const at::Tensor blank = at::full({2, sites}, 3, at::kLong);
    CHECK(at::equal(hide(blank, at::zeros({2}), 3, generator), blank));
}
