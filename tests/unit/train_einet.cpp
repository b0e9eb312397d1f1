// Circuits against the sums over states that define them, and their training by gradient and by EM.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>

#include <ATen/ATen.h>
#include <marginalia/network_joint.h>
#include <torch/script.h>

#include <filesystem>
#include <fstream>
#include <limits>

#include "kernel/train/optimizer.h"
#include "kernel/train/trial_parts.h"
#include "trial_fixture.h"

using namespace marginalia;

namespace {

using Values = std::map<std::string, ParameterValue, std::less<>>;

struct Structure {
    std::string name;
    std::vector<std::int64_t> shape;
    std::int64_t categories;
    Values values;
};

// Even and uneven cuts, a sequence and three axes, a region in several partitions and leaves of unequal size.
const Structure structures[] = {
    {"quad-graph", {3, 3}, 2, {{"piece", std::int64_t{1}}}},
    {"quad-graph", {2, 2, 3}, 2, {{"piece", std::int64_t{1}}}},
    {"quad-tree", {7}, 3, {{"piece", std::int64_t{2}}}},
    {"poon-domingos", {2, 3}, 3, {{"delta", std::string("1")}}},
    {"poon-domingos", {3, 4}, 2, {{"delta", std::string("3, 2")}}},
    {"random-tree", {10}, 2, {{"depth", std::int64_t{2}}, {"replicas", std::int64_t{3}}}},
    {"random-tree", {5}, 3, {{"depth", std::int64_t{9}}, {"replicas", std::int64_t{2}}}},
};

const std::string layers[] = {"cp", "einsum"};

Values defaults() {
    return {{"structure", std::string("quad-graph")}, {"delta", std::string("4")},  {"layer", std::string("cp")},
            {"piece", std::int64_t{4}},               {"depth", std::int64_t{5}},   {"replicas", std::int64_t{10}},
            {"structure_seed", std::int64_t{1}},      {"sums", std::int64_t{3}},    {"noise", 1.0},
            {"floor", 1e-5}};
}

struct Case {
    Case(const Structure& s, const Values& values, std::int64_t seed = 1) {
        for (const std::int64_t extent : s.shape) domain.sites *= extent;
        domain.categories = s.categories;
        domain.layout.shape = s.shape;
        Values all = defaults();
        all["structure"] = s.name;
        for (const Values& given : {s.values, values})
            for (const auto& [key, value] : given) all[key] = value;
        at::Generator weights = make_generator(at::kCPU, seed, 20);
        const auto factory = reinterpret_cast<NetworkFactory>(shipped_plugins().factory("network", "einet"));
        const std::unique_ptr<torch::jit::Module> module(factory(Params(all), domain, weights));
        network = std::make_unique<Network>(*module, domain);
        generator = make_generator(at::kCPU, seed, 21);
    }

    at::Tensor random_partial(std::int64_t rows) {
        return at::randint(domain.categories + 1, {rows, domain.sites}, generator, at::kLong);
    }
    at::Tensor call(const char* method, std::vector<c10::IValue> arguments) const {
        return network->module().get_method(method)(std::move(arguments)).toTensor();
    }
    at::Tensor weights(const std::string& name) const { return network->module().attr(name).toTensor(); }

    Domain domain{1, 0, {}};
    std::unique_ptr<Network> network;
    at::Generator generator;
};

// Weights away from the start, so that probabilities spread over some ten nats.
Case shaken(const Structure& structure, const std::string& layer) {
    Case c(structure, {{"layer", layer}});
    const at::NoGradGuard no_grad;
    for (at::Tensor w : c.network->parameters()) w.add_(at::randn(w.sizes(), c.generator), 1.5);
    return c;
}

void sharpen(const Case& c, double factor) {
    const at::NoGradGuard no_grad;
    for (at::Tensor w : c.network->parameters()) w.mul_(factor);
}

template <class Test>
void on_all(Test&& test) {
    for (const Structure& structure : structures)
        for (const std::string& layer : layers) {
            CAPTURE(structure.name);
            CAPTURE(structure.shape.size());
            CAPTURE(layer);
            test(shaken(structure, layer));
        }
}

at::Tensor all_states(const Domain& domain) {
    const auto count = static_cast<std::int64_t>(
        std::llround(std::pow(static_cast<double>(domain.categories), static_cast<double>(domain.sites))));
    at::Tensor rest = at::arange(count, at::kLong);
    std::vector<at::Tensor> columns;
    for (std::int64_t d = 0; d < domain.sites; ++d) {
        columns.push_back(rest.remainder(domain.categories));
        rest = rest.floor_divide(domain.categories);
    }
    return at::stack(columns, 1);
}

at::Tensor number_of(const at::Tensor& x, const Domain& domain) {
    at::Tensor number = at::zeros({x.size(0)}, at::kLong);
    for (std::int64_t d = domain.sites; d-- > 0;) number = number * domain.categories + x.select(1, d);
    return number;
}

// Which states (columns) agree with which partial states (rows).
at::Tensor agreement(const at::Tensor& partial, const at::Tensor& states, const Domain& domain) {
    return ((partial.unsqueeze(1) == states.unsqueeze(0)).logical_or(partial.unsqueeze(1) == domain.categories)).all(2);
}

bool close(const at::Tensor& a, const at::Tensor& b, double tolerance) {
    return at::allclose(a.to(at::kDouble), b.to(at::kDouble), 0, tolerance);
}

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

// One training on all states weighted by `probability`, by Adam as the host has it; the KL of the last step.
double train(const Case& c, const at::Tensor& probability, double rate, std::int64_t steps) {
    const nlohmann::json table = {{"steps", steps}, {"learning_rate", rate}, {"schedule", "cosine"},
                                  {"final_fraction", 0.02}, {"warmup", 0}, {"clip", 0.0}, {"beta1", 0.9},
                                  {"beta2", 0.99}, {"weight_decay", 0.0}, {"ema", 0.0}};
    Optimizer optimizer(c.network->parameters(), table);
    const at::Tensor x = all_states(c.domain);
    double kl = 0;
    for (std::int64_t step = 1; step <= steps; ++step) {
        const at::Tensor loss = (probability * (probability.log() - c.network->log_marginal(x))).sum();
        loss.backward();
        optimizer.update(step);
        kl = loss.item<double>();
    }
    return kl;
}

std::string pairs_experiment(const std::string& network, const std::string& objective = "",
                             const std::string& train = "") {
    const std::string path = (std::filesystem::temp_directory_path() / "train_einet_pairs.csv").string();
    std::ofstream file(path);
    for (int i = 0; i < 64; ++i) file << i % 2 << ',' << i % 2 << ',' << i / 2 % 2 << ',' << i / 2 % 2 << '\n';
    return "name = \"pairs\"\n[dataset]\nplugin = \"table\"\nfile = \"" + path + "\"\n[network]\n" + network + R"(
[objective]
plugin = "circuit-mle"
)" + objective + R"([train]
steps = 200
batch = 64
learning_rate = 0.1
log_every = 1
)" + train + R"([evaluation]
samples = 64
marginal_time = false
)";
}

const std::string pairs_network = "plugin = \"einet\"\nstructure = \"random-tree\"\ndepth = 2\nreplicas = 3\nsums = 4\n";

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
        const at::Tensor states = all_states(c.domain), log_p = c.network->log_marginal(states).to(at::kDouble);
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
        check_frequencies(c, x, c.network->log_marginal(all_states(c.domain)).exp());
    });
}

TEST_CASE("completions keep what is known and have the conditional probabilities of the rest, within 4.5 sigma") {
    on_all([](Case c) {
        const at::NoGradGuard no_grad;
        at::Tensor given = at::full({1, c.domain.sites}, c.domain.categories, at::kLong);
        given[0][1] = 0;
        given[0][c.domain.sites - 1] = 1;
        const at::Tensor u = at::rand({20000, c.domain.sites}, c.generator), states = all_states(c.domain);
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

TEST_CASE("EM reaches the frequencies of the rows in one step where that is the answer") {
    Case c(structures[5], {{"sums", std::int64_t{1}}, {"replicas", std::int64_t{1}}, {"floor", 1e-9}});
    const at::Tensor x = at::randint(2, {50, 10}, c.generator, at::kLong), frequency = x.to(at::kFloat).mean(0);
    const at::Tensor before = c.network->log_marginal(x).mean();
    CHECK(c.call("em", {x, 1.0}).item<double>() == doctest::Approx(before.item<double>()).epsilon(1e-5));
    CHECK(close(c.network->conditional_logits(at::full({1, 10}, 2, at::kLong)).exp()[0].select(1, 1), frequency, 1e-5));
}

TEST_CASE("full-batch EM never lowers the likelihood, partial rows included; a step of size 0 does nothing") {
    on_all([](Case c) {
        const at::Tensor full = at::randint(c.domain.categories, {20, c.domain.sites}, c.generator, at::kLong);
        const at::Tensor x = at::cat({c.random_partial(20), full});
        double last = -std::numeric_limits<double>::infinity();
        const double first = c.network->log_marginal(x).mean().item<double>();
        for (int step = 0; step < 12; ++step) {
            const double now = c.call("em", {x, 1.0}).item<double>();
            CHECK(now > last - 1e-5);
            last = now;
        }
        CHECK(last > first + 0.2);
        const at::Tensor leaf = c.weights("leaf").softmax(3).clone();
        c.call("em", {x, 0.0});
        CHECK(close(c.weights("leaf").softmax(3), leaf, 1e-5));
    });
}

TEST_CASE("the gradient learns an open Ising chain") {
    for (const std::string& layer : layers) {
        CAPTURE(layer);
        const Case c({"quad-tree", {8}, 2, {{"piece", std::int64_t{1}}}},
                     {{"layer", layer}, {"sums", std::int64_t{8}}, {"noise", 0.5}, {"floor", 1e-6}});
        const at::Tensor spin = 2 * all_states(c.domain).to(at::kFloat) - 1;
        const at::Tensor bonds = (spin.slice(1, 1) * spin.slice(1, 0, -1)).sum(1);
        const double kl = train(c, (0.6 * bonds + 0.2 * spin.sum(1)).softmax(0), 0.3, 300);
        CHECK(kl < 2e-3);
        CHECK(kl > -1e-5);
    }
}

TEST_CASE("circuit-mle learns the pairs by EM, and averages the weights") {
    MemoryRecorder recorder;
    const TrialRequest request = request_of(pairs_experiment(pairs_network, "method = \"em\"\n", "ema = 0.9\n"));
    CHECK(run_trial(request, shipped_plugins(), recorder) == TrialOutcome::done);
    CHECK(recorder.finals.at("nll_bits") < 0.6);
    CHECK(recorder.metrics.at({"train_bits", 1}) > 0.8);
    CHECK(recorder.metrics.at({"train_bits", 200}) < 0.52);
}

TEST_CASE("circuit-mle says what EM cannot do") {
    MemoryRecorder recorder;
    const std::string by_em = "method = \"em\"\n";
    const TrialRequest mlp = request_of(pairs_experiment("plugin = \"mlp\"\nhidden = 16\nlayers = 1\n", by_em));
    CHECK_THROWS_WITH_AS(run_trial(mlp, shipped_plugins(), recorder),
                         doctest::Contains("the network's module has no method 'em(x, rate)'"), Error);
    TrialRequest fast = request_of(pairs_experiment(pairs_network, by_em));
    fast.config["train"]["learning_rate"] = 1.5;
    CHECK_THROWS_WITH_AS(run_trial(fast, shipped_plugins(), recorder), doctest::Contains("give at most 1"), Error);
}

TEST_CASE("circuit-mle learns the pairs from rows by the gradient") {
    MemoryRecorder recorder;
    CHECK(run_trial(request_of(pairs_experiment(pairs_network)), shipped_plugins(), recorder) == TrialOutcome::done);
    CHECK(recorder.finals.at("nll_bits") > 0.3);  // the entropy is 0.5 bits a site; 6 test rows
    CHECK(recorder.finals.at("nll_bits") < 0.6);
    CHECK(recorder.metrics.at({"train_bits", 1}) > 0.8);
    CHECK(recorder.metrics.at({"train_bits", 200}) < 0.52);
    const double loss = recorder.metrics.at({"loss", 200}), bits = recorder.metrics.at({"train_bits", 200});
    CHECK(loss == doctest::Approx(bits * 4 * std::log(2.0)));
}

TEST_CASE("circuit-mle refuses a network without exact marginals") {
    MemoryRecorder recorder;
    const TrialRequest request = request_of(pairs_experiment("plugin = \"mlp\"\nhidden = 16\nlayers = 1\n"));
    CHECK_THROWS_WITH_AS(run_trial(request, shipped_plugins(), recorder), doctest::Contains("break the sum rule by"),
                         Error);
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
    CHECK(delta(4, "4") == "parameter 'delta': no piece size given is below the longest extent of the layout, 4 x 4; "
                           "give smaller pieces");
    CHECK(delta(60, "1") == "parameter 'delta': the structure has more than 100000 partitions; give larger pieces");
    const Values large_values = {{"sums", std::int64_t{1024}}, {"layer", layers[1]}};
    const std::string large = refusal({"quad-graph", {64, 64}, 2, {}}, large_values);
    CHECK(large.starts_with("parameter 'sums' is 1024, which with this structure and layer makes"));
    CHECK(refusal({"random-tree", {1}, 2, {}}, {}) == "a circuit needs 2 sites or more, not 1");
}
