// Matrix product states against the products and sums that define them.
#include <doctest/doctest.h>

#include <ATen/ATen.h>
#include <marginalia/network_joint.h>
#include <torch/script.h>

#include "kernel/worker/model/trial_parts.h"
#include "tests/worker/every_state.h"
#include "tests/worker/trial_fixture.h"

namespace train_mps {

using namespace marginalia;

namespace {

struct Shape {
    std::vector<std::int64_t> shape;
    std::int64_t categories;
};

const std::string kinds[] = {"non-negative", "born"};

// An even and an odd number of sites; few symbols, for which conditionals are forks, and more, for which they are
// sweeps.
const Shape shapes[] = {{{2, 5}, 2}, {{7}, 3}, {{3, 3}, 2}, {{5}, 4}, {{1}, 3}};

struct Case {
    Case(const std::string& kind, const Shape& s, std::int64_t bond, double noise, const std::string& order = "snake") {
        for (const std::int64_t extent : s.shape) domain.sites *= extent;
        domain.categories = s.categories;
        domain.layout.shape = s.shape;
        const Params params({{"bond", bond}, {"kind", kind}, {"order", order}, {"noise", noise}});
        at::Generator weights = make_generator(at::kCPU, 1, 20);
        const auto factory = reinterpret_cast<NetworkFactory>(shipped_plugins().factory("network", "mps"));
        const std::unique_ptr<torch::jit::Module> module(factory(params, domain, weights));
        network = std::make_unique<Network>(*module, domain);
        generator = make_generator(at::kCPU, 1, 21);
    }

    at::Tensor random_partial(std::int64_t rows) {
        return at::randint(domain.categories + 1, {rows, domain.sites}, generator, at::kLong);
    }
    at::Tensor random_full(std::int64_t rows) {
        return at::randint(domain.categories, {rows, domain.sites}, generator, at::kLong);
    }

    Domain domain{1, 0, {}};
    std::unique_ptr<Network> network;
    at::Generator generator;
};

// Weights away from the start, but not so far that most amplitudes of the Born kind come near 0, where float32 loses
// its digits.
Case shaken(const std::string& kind, const Shape& shape, std::int64_t bond) {
    Case c(kind, shape, bond, 0.3);
    const at::NoGradGuard no_grad;
    at::Tensor w = c.network->parameters().at(0);
    w.add_(at::randn(w.sizes(), c.generator), 0.2);
    return c;
}

// log p of full states by the definition, one matrix after the other in double precision, not normalised.
at::Tensor log_product(const Network& network, const at::Tensor& x, bool born) {
    const at::NoGradGuard no_grad;
    const at::Tensor w = network.parameters().at(0).to(at::kDouble), order = network.module().attr("order").toTensor();
    at::Tensor v = at::ones({x.size(0), 1, w.size(2)}, at::kDouble);
    for (std::int64_t place = 0; place < x.size(1); ++place) {
        const at::Tensor matrix = w[place].index_select(0, x.select(1, order[place].item<std::int64_t>()));
        v = v.bmm(born ? matrix : matrix.square());
    }
    const at::Tensor product = v.sum({1, 2});
    return (born ? product.square() : product).log();
}

// log p of partial states: sums over the states that agree with them.
at::Tensor by_enumeration(const Case& c, const at::Tensor& x, bool born) {
    const at::Tensor states = every_state(c.domain);
    const at::Tensor log_p = log_product(*c.network, states, born).log_softmax(0);
    const at::Tensor fits =
        ((x.unsqueeze(1) == states.unsqueeze(0)).logical_or(x.unsqueeze(1) == c.domain.categories)).all(2);
    return log_p.unsqueeze(0).masked_fill(fits.logical_not(), -INFINITY).logsumexp({1}).to(at::kFloat);
}

bool close(const at::Tensor& a, const at::Tensor& b, double tolerance = 1e-4) {
    return at::allclose(a, b, 0, tolerance);
}

// Calls `test(case, is born)` on both kinds and all shapes.
template <class Test>
void on_all(Test&& test) {
    for (const std::string& kind : kinds)
        for (const Shape& shape : shapes) {
            CAPTURE(kind);
            CAPTURE(shape.shape.size());
            CAPTURE(shape.categories);
            test(shaken(kind, shape, 3), kind == "born");
        }
}

at::Tensor log_normalised_conditionals(const Case& c, const at::Tensor& x) {
    at::Tensor result = at::empty({x.size(0), c.domain.sites, c.domain.categories});
    for (std::int64_t d = 0; d < c.domain.sites; ++d)
        for (std::int64_t k = 0; k < c.domain.categories; ++k) {
            const at::Tensor fork = x.clone();
            fork.select(1, d).fill_(k);
            result.select(1, d).select(1, k).copy_(c.network->log_marginal(fork));
        }
    return result.log_softmax(2);
}

}  // namespace

TEST_CASE("marginals are the sums over completions") {
    on_all([](Case c, bool born) {
        const at::NoGradGuard no_grad;
        const at::Tensor blank = at::full({1, c.domain.sites}, c.domain.categories, at::kLong);
        const at::Tensor x = at::cat({c.random_partial(40), c.random_full(10), blank});
        CHECK(close(c.network->log_marginal(x), by_enumeration(c, x, born)));
        CHECK(c.network->log_marginal(x)[-1].item<double>() == doctest::Approx(0).epsilon(1e-6));
        CHECK(c.network->consistent());
    });
}

TEST_CASE("the probabilities of all states sum to one") {
    on_all([](Case c, bool) {
        const at::NoGradGuard no_grad;
        CHECK(c.network->log_marginal(every_state(c.domain)).logsumexp({0}).abs().item<double>() < 1e-4);
    });
}

TEST_CASE("conditionals are ratios of marginals, from every method") {
    on_all([](Case c, bool) {
        const at::NoGradGuard no_grad;
        const at::Tensor x = at::cat({c.random_partial(12), c.random_full(4)});
        const at::Tensor site = at::randint(c.domain.sites, {16}, c.generator, at::kLong);
        // Environments of the Born kind lose digits where the known sites' amplitudes nearly cancel.
        const at::Tensor expected = log_normalised_conditionals(c, x).exp();
        const at::Tensor at_site =
            expected.gather(1, site.view({16, 1, 1}).expand({16, 1, c.domain.categories})).squeeze(1);
        CHECK(close(c.network->conditional_logits(x).exp(), expected, 2e-4));
        CHECK(close(c.network->conditional_at(x, site).exp(), at_site, 2e-4));
        const auto joint = c.network->joint(x, site.slice(0, 0, 5));
        CHECK(close(joint.log_marginal, c.network->log_marginal(x)));
        CHECK(close(joint.logits.exp(), at_site.slice(0, 0, 5), 2e-4));
    });
}

TEST_CASE("bond 1 is a product of sites, at 1,000 of them too") {
    for (const std::string& kind : kinds) {
        CAPTURE(kind);
        Case c = shaken(kind, {{1000}, 3}, 1);
        const at::NoGradGuard no_grad;
        const at::Tensor weights = c.network->parameters().at(0).view({1000, 3}).to(at::kDouble);
        const at::Tensor of_sites = weights.square().log().log_softmax(1);
        const at::Tensor with_blank = at::cat({of_sites, at::zeros({1000, 1}, at::kDouble)}, 1);
        const at::Tensor x = at::cat({c.random_partial(5), c.random_full(5)});
        const at::Tensor expected = with_blank.unsqueeze(0).expand({10, 1000, 4}).gather(2, x.unsqueeze(2)).sum({1, 2});
        CHECK(at::allclose(c.network->log_marginal(x).to(at::kDouble), expected, 1e-5, 1e-3));
    }
}

TEST_CASE("a chain of 1,000 sites neither overflows nor underflows and obeys the sum rule") {
    for (const std::string& kind : kinds) {
        CAPTURE(kind);
        Case c = shaken(kind, {{25, 40}, 2}, 4);
        at::Tensor x = c.random_partial(3);
        x.select(1, 500).fill_(2);
        at::Tensor zero = x.clone(), one = x.clone();
        zero.select(1, 500).fill_(0);
        one.select(1, 500).fill_(1);
        const at::Tensor marginal = c.network->log_marginal(at::cat({x, zero, one, c.random_full(3)}));
        CHECK(marginal.isfinite().all().item<bool>());
        CHECK(close(at::logaddexp(marginal.slice(0, 3, 6), marginal.slice(0, 6, 9)), marginal.slice(0, 0, 3), 2e-3));
        CHECK(c.network->conditional_logits(x).isfinite().all().item<bool>());
        marginal.sum().backward();
        const at::Tensor gradient = c.network->parameters().at(0).grad();
        CHECK(gradient.isfinite().all().item<bool>());
        CHECK((gradient.abs().amax({1, 2, 3}) > 0).all().item<bool>());
    }
}

TEST_CASE("gradients are those of finite differences") {
    on_all([](Case c, bool) {
        const at::Tensor x = at::cat({c.random_partial(6), c.random_full(6)});
        const at::Tensor site = at::randint(c.domain.sites, {12}, c.generator, at::kLong);
        const at::Tensor weights = at::randn({12}, c.generator),
                         more = at::randn({12, c.domain.categories}, c.generator);
        const auto loss = [&] {
            return (c.network->log_marginal(x) * weights).sum() + (c.network->conditional_at(x, site) * more).sum() +
                   (c.network->conditional_logits(x).mean(1) * more).sum();
        };
        at::Tensor w = c.network->parameters().at(0);
        loss().backward();
        const at::Tensor direction = w.grad() / w.grad().norm();
        const double slope = w.grad().norm().item<double>(), step = 1e-3 / (1 + 0.02 * slope);
        const at::NoGradGuard no_grad;
        const auto moved = [&](double by) {
            w.add_(direction, by);
            const double value = loss().to(at::kDouble).item<double>();
            w.add_(direction, -by);
            return value;
        };
        CHECK((moved(step) - moved(-step)) / (2 * step) == doctest::Approx(slope).epsilon(0.02));
    });
}

TEST_CASE("weights of symbols stand for full states and differentiate to conditionals") {
    on_all([](Case c, bool born) {
        const at::Tensor x = c.random_full(8);
        const at::Tensor p = at::one_hot(x, c.domain.categories).to(at::kFloat).set_requires_grad(true);
        const at::Tensor relaxed = c.network->log_marginal_relaxed(p);
        CHECK(close(relaxed, c.network->log_marginal(x)));
        relaxed.sum().backward();
        // p or its root is linear in a site's weights: the gradient there is the ratio to the symbol that stands.
        const at::Tensor log_ratio = (p.grad() / (born ? 2 : 1)).abs().log() * (born ? 2 : 1);
        const at::NoGradGuard no_grad;
        CHECK(close(log_ratio.log_softmax(2), log_normalised_conditionals(c, x), 2e-3));
    });
}

TEST_CASE("samples have the model's probabilities") {
    on_all([](Case c, bool) {
        const at::NoGradGuard no_grad;
        const std::int64_t count = 100000;
        const at::Tensor u = at::rand({count, c.domain.sites}, c.generator), states = every_state(c.domain);
        const at::Tensor x = c.network->module().get_method("sample")({u}).toTensor();
        CHECK(x.sizes() == u.sizes());
        at::Tensor number = at::zeros({count}, at::kLong);
        for (std::int64_t d = c.domain.sites; d-- > 0;) number = number * c.domain.categories + x.select(1, d);
        const at::Tensor found = number.bincount({}, states.size(0)).to(at::kDouble);
        const at::Tensor expected = c.network->log_marginal(states).to(at::kDouble).exp() * static_cast<double>(count);
        const at::Tensor cell = (found - expected).square() / expected, large = expected > 5;
        const double freedom = large.sum().item<double>(), chi_square = cell.masked_select(large).sum().item<double>();
        CHECK(chi_square < freedom + 4 * std::sqrt(2 * freedom));
        CHECK(found.masked_select(large).sum().item<double>() > 0.9 * static_cast<double>(count));
    });
}

TEST_CASE("the start is nearly uniform, and its bond states differ") {
    for (const std::string& kind : kinds) {
        CAPTURE(kind);
        Case still(kind, {{8, 8}, 2}, 4, 1e-6), noisy(kind, {{8, 8}, 2}, 4, 0.2);
        const at::Tensor x = at::cat({still.random_partial(10), still.random_full(10)});
        const at::Tensor uniform = (x < 2).sum(1).to(at::kFloat) * -std::log(2.0);
        CHECK(close(still.network->log_marginal(x), uniform, 1e-3));
        CHECK(close(noisy.network->log_marginal(x), uniform, 10));
        noisy.network->log_marginal(x).sum().backward();
        const at::Tensor gradient = noisy.network->parameters().at(0).grad();
        const at::Tensor first = gradient.select(2, 0).select(2, 0), second = gradient.select(2, 1).select(2, 1);
        CHECK((first - second).abs().max().item<double>() > 1e-3);
    }
}

TEST_CASE("the chain runs over a lattice there and back, or row by row") {
    const auto order = [](const Shape& shape, const char* name) {
        const at::Tensor places = Case("born", shape, 1, 0.1, name).network->module().attr("order").toTensor();
        const std::int64_t* const first = places.data_ptr<std::int64_t>();
        return std::vector<std::int64_t>(first, first + places.numel());
    };
    CHECK(order({{3, 3}, 2}, "snake") == std::vector<std::int64_t>{0, 1, 2, 5, 4, 3, 6, 7, 8});
    CHECK(order({{2, 3}, 2}, "rows") == std::vector<std::int64_t>{0, 1, 2, 3, 4, 5});
    CHECK(order({{3, 1, 3}, 2}, "snake") == std::vector<std::int64_t>{0, 1, 2, 5, 4, 3, 6, 7, 8});
    CHECK(order({{2, 2, 2}, 2}, "snake") == std::vector<std::int64_t>{0, 1, 3, 2, 6, 7, 5, 4});
}

// The open Ising chain has a transfer matrix of 2 x 2, whose root is a matrix product state of the Born kind.
TEST_CASE("bond 2 learns an open Ising chain") {
    for (const std::string& kind : kinds) {
        CAPTURE(kind);
        Case c(kind, {{8}, 2}, 2, 0.5);
        const at::Tensor x = every_state(c.domain), spin = 2 * x.to(at::kFloat) - 1;
        const at::Tensor bonds = (spin.slice(1, 1) * spin.slice(1, 0, -1)).sum(1);
        const at::Tensor log_f = (0.6 * bonds + 0.2 * spin.sum(1)).log_softmax(0);
        at::Tensor w = c.network->parameters().at(0);
        at::Tensor first = at::zeros_like(w).detach(), second = first.clone();
        double kl = 0;
        for (int step = 1; step <= 400; ++step) {
            const at::Tensor log_p = c.network->log_marginal(x);
            const at::Tensor loss = (log_p.exp() * (log_p - log_f)).sum();
            loss.backward();
            kl = loss.item<double>();
            const at::NoGradGuard no_grad;  // Adam
            first.mul_(0.9).add_(w.grad(), 0.1);
            second.mul_(0.99).addcmul_(w.grad(), w.grad(), 0.01);
            const at::Tensor size = (second / (1 - std::pow(0.99, step))).sqrt() + 1e-8;
            w.addcdiv_(first / (1 - std::pow(0.9, step)), size, -0.1 * std::min(1.0, 2.02 - step / 200.0));
            w.mutable_grad().reset();
        }
        CHECK(kl < 1e-3);
        CHECK(kl > -1e-5);
    }
}

}  // namespace train_mps
