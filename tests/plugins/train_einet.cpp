// Circuits against the sums over states that define them.
#include <doctest/doctest.h>

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <marginalia/network_joint.h>

#include "tests/plugins/einet_testing.h"

using namespace marginalia;

namespace {

// Drawn states against probabilities: Pearson's statistic over the states expected at least 5 times, with the rest as
// one.
void check_frequencies(const Case& c, const at::Tensor& x, const at::Tensor& probability) {
    const double count = static_cast<double>(x.size(0));
    const at::Tensor found = number_of(x, c.domain).bincount({}, probability.size(0)).to(at::kDouble);
    const at::Tensor expected = probability.to(at::kDouble) * count, large = expected > 5;
    const at::Tensor cell = (found - expected).square() / expected;
    const double rest = std::max(0.0, count - expected.masked_select(large).sum().item<double>());
    const double found_rest = count - found.masked_select(large).sum().item<double>();
    const double freedom = std::max(1.0, large.sum().item<double>());
    CHECK(cell.masked_select(large).sum().item<double>() < freedom + 4.5 * std::sqrt(2 * freedom) + 2);
    CHECK(std::abs(found_rest - rest) < 4.5 * std::sqrt(rest) + 5);
}

}  // namespace

TEST_CASE("one sum a region is a product of sites") {
    for (const Structure& structure : structures) {
        CAPTURE(structure.name);
        Case c(structure, {{"sums", std::int64_t{1}}, {"replicas", std::int64_t{1}}});
        const at::NoGradGuard no_grad;
        const at::Tensor site = c.weights("sites"), leaf = c.weights("leaf").softmax(3).to(at::kDouble);
        const at::Tensor table = at::zeros({c.domain.sites + 1, c.domain.categories + 1}, at::kDouble);
        table.slice(1, 0, c.domain.categories).index_copy_(0, site, leaf.log().flatten(0, 2));
        const at::Tensor x = c.random_partial(20);
        const at::Tensor of_rows = table.slice(0, 0, c.domain.sites).unsqueeze(0).expand({20, -1, -1});
        const at::Tensor expected = of_rows.gather(2, x.unsqueeze(2)).sum({1, 2});
        CHECK(close(c.network->log_marginal(x), expected, 1e-3));  // the floor of 1e-5 shows at rare symbols
    }
}

TEST_CASE("marginals are sums over completions, to 1e-5, and all probabilities sum to one") {
    on_all([](Case c) {
        const at::NoGradGuard no_grad;
        CHECK(c.network->consistent());
        const at::Tensor states = every_state(c.domain), log_p = c.network->log_marginal(states).to(at::kDouble);
        CHECK(std::abs(log_p.logsumexp({0}).item<double>()) < 1e-5);
        CHECK(log_p.max().item<double>() - log_p.min().item<double>() > 3);
        const at::Tensor blank = at::full({1, c.domain.sites}, c.domain.categories, at::kLong);
        const at::Tensor x = at::cat({c.random_partial(40), blank});
        const at::Tensor other = agreement(x, states, c.domain).logical_not();
        const at::Tensor expected = log_p.unsqueeze(0).masked_fill(other, -INFINITY).logsumexp({1});
        CHECK(close(c.network->log_marginal(x), expected, 1e-5));
        CHECK(std::abs(c.network->log_marginal(x)[-1].item<double>()) < 2e-6);
    });
}

TEST_CASE("conditionals of unknown sites are ratios of marginals, normalised") {
    on_all([](Case c) {
        const at::NoGradGuard no_grad;
        const at::Tensor x = c.random_partial(12), logits = c.network->conditional_logits(x);
        CHECK(logits.sizes() == at::IntArrayRef{12, c.domain.sites, c.domain.categories});
        for (std::int64_t d = 0; d < c.domain.sites; ++d)
            for (std::int64_t k = 0; k < c.domain.categories; ++k) {
                at::Tensor fork = x.clone();
                fork.select(1, d).fill_(k);
                const at::Tensor expected = c.network->log_marginal(fork) - c.network->log_marginal(x);
                const at::Tensor known = x.select(1, d) != c.domain.categories;
                const at::Tensor off = (logits.select(1, d).select(1, k) - expected).masked_fill(known, 0);
                CHECK(off.abs().max().item<double>() < 1e-5);
            }
        CHECK(close(logits.logsumexp({2}), at::zeros({12, c.domain.sites}), 1e-5));
    });
}

TEST_CASE("gradients of both heads are those of finite differences") {
    on_all([](Case c) {
        const at::Tensor x = c.random_partial(12);
        const at::Tensor weights = at::randn({12}, c.generator),
                         more = at::randn({12, c.domain.sites, c.domain.categories}, c.generator) / 4;
        const auto loss = [&] {
            return (c.network->log_marginal(x) * weights).sum() + (c.network->conditional_logits(x) * more).sum();
        };
        loss().backward();
        std::vector<at::Tensor> directions;
        double square = 0;
        for (const at::Tensor& w : c.network->parameters()) {
            directions.push_back(w.grad().clone());
            square += w.grad().square().sum().item<double>();
        }
        const double slope = std::sqrt(square), step = 0.02;
        const at::NoGradGuard no_grad;
        const auto move = [&](double by) {
            std::vector<at::Tensor> parameters = c.network->parameters();
            for (std::size_t i = 0; i < parameters.size(); ++i) parameters[i].add_(directions[i], by / slope);
        };
        const auto moved = [&](double by) {
            move(by);
            const double value = loss().to(at::kDouble).item<double>();
            move(-by);
            return value;
        };
        CHECK((moved(step) - moved(-step)) / (2 * step) == doctest::Approx(slope).epsilon(0.01));
    });
}

TEST_CASE("samples have the model's probabilities, within 4.5 sigma") {
    on_all([](Case c) {
        const at::NoGradGuard no_grad;
        const at::Tensor u = at::rand({40000, c.domain.sites}, c.generator), x = c.network->sample(u);
        CHECK(at::equal(x, c.network->sample(u)));
        check_frequencies(c, x, c.network->log_marginal(every_state(c.domain)).exp());
    });
}

TEST_CASE("completions keep what is known and have the conditional probabilities of the rest, within 4.5 sigma") {
    on_all([](Case c) {
        const at::NoGradGuard no_grad;
        at::Tensor given = at::full({1, c.domain.sites}, c.domain.categories, at::kLong);
        given[0][1] = 0;
        given[0][c.domain.sites - 1] = 1;
        const at::Tensor u = at::rand({20000, c.domain.sites}, c.generator), states = every_state(c.domain);
        const at::Tensor x = c.call("complete", {given.expand_as(u), u});
        const at::Tensor fits = agreement(given, states, c.domain)[0];
        CHECK((x.select(1, 1) == 0).all().item<bool>());
        CHECK((x.select(1, c.domain.sites - 1) == 1).all().item<bool>());
        check_frequencies(c, x, c.network->log_marginal(states).masked_fill(fits.logical_not(), -INFINITY).softmax(0));
    });
}

TEST_CASE("grids make the boxes of Poon and Domingos") {
    // 3 x 3 cells have 6 x 6 boxes, and 2 * 6 * (2 + 2) ways to cut one.
    const Case c({"poon-domingos", {3, 3}, 2, {{"delta", std::string("1")}}}, {});
    std::int64_t boxes = c.weights("leaf").size(0), partitions = 0;
    for (int l = 0; l < 4; ++l) {
        const at::Tensor w = c.weights("sum" + std::to_string(l));
        boxes += w.size(0);
        partitions += w.size(0) * w.size(2) / 3;
    }
    CHECK(boxes == 36);
    CHECK(partitions == 48);
    CHECK_FALSE(c.network->module().hasattr("sum4"));
}

TEST_CASE("the structures tried have levels that pad partitions and levels that need no picking") {
    const Case uneven(structures[0], {}), even({"quad-tree", {8}, 2, {{"piece", std::int64_t{1}}}}, {});
    bool padded = false;
    for (int l = 0; uneven.network->module().hasattr("sum" + std::to_string(l)); ++l)
        padded = padded || uneven.weights("floor_sum" + std::to_string(l)).dim() > 1;
    CHECK(padded);
    CHECK(at::equal(even.weights("pick1"), at::arange(4)));
}

TEST_CASE("random trees belong to the structure, weights to the seed") {
    const Structure tree{"random-tree", {16}, 2, {{"depth", std::int64_t{3}}}};
    const Case a(tree, {}), b(tree, {}, 2), other(tree, {{"structure_seed", std::int64_t{2}}});
    CHECK(at::equal(a.weights("sites"), b.weights("sites")));
    CHECK_FALSE(at::equal(a.weights("leaf"), b.weights("leaf")));
    CHECK_FALSE(at::equal(a.weights("sites"), other.weights("sites")));
    const at::Tensor times = a.weights("sites").bincount({}, 17);
    CHECK((times.slice(0, 0, 16) == 10).all().item<bool>());  // once a replica
}

TEST_CASE("784 sites neither overflow nor underflow and obey the sum rule") {
    for (const Structure& s : {Structure{"quad-graph", {28, 28}, 2, {}},
                               Structure{"random-tree", {28, 28}, 2, {{"depth", std::int64_t{4}}}}})
        for (const std::string& layer : layers) {
            CAPTURE(s.name);
            CAPTURE(layer);
            Case c(s, {{"layer", layer}, {"sums", std::int64_t{4}}});
            sharpen(c, 8);
            at::Tensor x = c.random_partial(3);
            x.select(1, 400).fill_(2);
            at::Tensor zero = x.clone(), one = x.clone();
            zero.select(1, 400).fill_(0);
            one.select(1, 400).fill_(1);
            const at::Tensor log_p = c.network->log_marginal(at::cat({x, zero, one}));
            CHECK(log_p.isfinite().all().item<bool>());
            CHECK(log_p.max().item<double>() < -300);
            CHECK(close(at::logaddexp(log_p.slice(0, 3, 6), log_p.slice(0, 6, 9)), log_p.slice(0, 0, 3), 1e-2));
            const at::Tensor logits = c.network->conditional_logits(x);
            CHECK(close(logits.select(1, 400).select(1, 0), (log_p.slice(0, 3, 6) - log_p.slice(0, 0, 3)), 1e-2));
            (log_p.sum() + logits.mean()).backward();
            for (const at::Tensor& w : c.network->parameters()) CHECK(w.grad().isfinite().all().item<bool>());
        }
}

TEST_CASE("what a circuit cannot be made of is said by name") {
    const auto refusal = [](const Structure& s, const Values& values) -> std::string {
        try {
            Case(s, values);
        } catch (const Error& error) {
            return error.what();
        }
        return "";
    };
    const auto delta = [&](std::int64_t extent, const char* text) {
        return refusal({"poon-domingos", {extent, extent}, 2, {}}, {{"delta", std::string(text)}});
    };
    const std::string remedy = "'; give whole numbers from 1 with commas between them, the coarsest first, as 14,7";
    for (const char* wrong : {"2,x", "", "0", "3,", "2 2", "-1"})
        CHECK(delta(4, wrong) == "parameter 'delta' is '" + std::string(wrong) + remedy);
    CHECK(delta(4, "4") ==
          "parameter 'delta': no piece size given is below the longest extent of the layout, 4 x 4; "
          "give smaller pieces");
    CHECK(delta(60, "1") == "parameter 'delta': the structure has more than 100000 partitions; give larger pieces");
    const Values large_values = {{"sums", std::int64_t{1024}}, {"layer", layers[1]}};
    const std::string large = refusal({"quad-graph", {64, 64}, 2, {}}, large_values);
    CHECK(large.starts_with("parameter 'sums' is 1024, which with this structure and layer makes"));
    CHECK(refusal({"random-tree", {1}, 2, {}}, {}) == "a circuit needs 2 sites or more, not 1");
}
