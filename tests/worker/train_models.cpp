// How objectives read a network as a distribution, against sums over all states and orders.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <marginalia/model.h>

#include "kernel/worker/model/trial_parts.h"
#include "tests/worker/trial_fixture.h"

namespace train_models {

using namespace marginalia;

namespace {

// A 2x2 Ising lattice: 16 states, 24 orders.
TrialParts shaken(const std::string& objective, const std::string& sampler = "block-gibbs",
                  const std::string& network = "plugin = \"mlp\"\nhidden = 16\nlayers = 2") {
    TrialParts parts =
        build_trial(request_of("name = \"t\"\n[energy]\nplugin = \"ising\"\nrows = 2\ncolumns = 2\n[network]\n" +
                               network + "\n[sampler]\nplugin = \"" + sampler + "\"\n[objective]\n" + objective),
                    shipped_plugins());
    at::Generator generator = make_generator(at::kCPU, 3, 7);
    const at::NoGradGuard no_grad;
    for (at::Tensor weights : parts.network->parameters()) weights.add_(0.3 * at::randn(weights.sizes(), generator));
    return parts;
}

at::Tensor all_states() { return at::arange(16).unsqueeze(1).bitwise_right_shift(at::arange(4)).bitwise_and(1); }

const Tick no_tick = [] {};

struct Reading {
    explicit Reading(const TrialParts& parts)
        : generator(make_generator(at::kCPU, 1, 9)), model(parts.objective->model(*parts.network, generator, no_tick)) {
    }

    at::Tensor density(const at::Tensor& x) { return model->log_density(x, generator, no_tick); }
    Generated draw(std::int64_t count) { return model->generate(count, generator, no_tick); }

    at::Generator generator;
    const at::NoGradGuard no_grad;
    std::unique_ptr<Model> model;
};

// Counts of the 16 states among the rows of x, as fractions.
at::Tensor frequencies(const at::Tensor& x) {
    return at::bincount((x * at::tensor({1, 2, 4, 8}, at::kLong)).sum(1), {}, 16).to(at::kDouble) /
           static_cast<double>(x.size(0));
}

// The largest deviation of the frequencies of `count` states from p, in standard deviations.
double worst_sigma(const at::Tensor& frequency, const at::Tensor& p, double count) {
    return ((frequency - p) / (p * (1 - p) / count).sqrt()).abs().max().item<double>();
}

}  // namespace

TEST_CASE("a model of fixed order: normalised, drawn as it says, one order") {
    const TrialParts parts = shaken("plugin = \"arm\"");
    Reading reading(parts);
    CHECK(reading.model->density() == Model::Density::exact);
    const at::Tensor log_p = reading.density(all_states());
    CHECK(log_p.exp().sum().item<double>() == doctest::Approx(1).epsilon(1e-6));
    CHECK(at::equal(log_p, reading.density(all_states())));  // no random order

    // By hand: the product of the conditionals of sites 0, 1, 2, 3.
    const at::Tensor x = at::tensor({1, 0, 0, 1}, at::kLong).unsqueeze(0);
    double sum = 0;
    for (std::int64_t d = 0; d < 4; ++d) {
        const at::Tensor before = x.masked_fill(at::arange(4) >= d, 2);
        sum += parts.network->conditional_logits(before)[0][d]
                   .log_softmax(0, at::kDouble)[x[0][d].item<std::int64_t>()]
                   .item<double>();
    }
    CHECK(reading.density(x).item<double>() == doctest::Approx(sum).epsilon(1e-6));

    const Generated drawn = reading.draw(20000);
    CHECK(worst_sigma(frequencies(drawn.x), log_p.exp(), 20000) < 5);
    CHECK(at::allclose(drawn.log_p, reading.density(drawn.x), 0, 1e-5));
}

TEST_CASE("a model of fixed order has the density of prefixes and of nothing else") {
    const TrialParts parts = shaken("plugin = \"arm\"");
    Reading reading(parts);
    const at::Tensor log_p = reading.density(all_states());
    const double prefix = log_p.masked_select((all_states().select(1, 0) == 1) & (all_states().select(1, 1) == 0))
                              .exp()
                              .sum()
                              .item<double>();
    CHECK(std::exp(reading.density(at::tensor({1, 0, 2, 2}, at::kLong).unsqueeze(0)).item<double>()) ==
          doctest::Approx(prefix).epsilon(1e-5));
    CHECK_THROWS_WITH(reading.density(at::tensor({2, 0, 1, 1}, at::kLong).unsqueeze(0)),
                      "a model of a fixed order has no density for a state whose known sites are not the first ones; "
                      "give full states, "
                      "or train an any-order model");
}

TEST_CASE("a GFlowNet's density is the sum over orders, bounded from both sides") {
    const TrialParts parts = shaken("plugin = \"gflownet-tb\"\ntrajectories = 3");
    Reading reading(parts);
    CHECK(reading.model->density() == Model::Density::bound);

    // p(x) by all 24 orders, from the joint softmax over unknown sites and values.
    const at::Tensor states = all_states();
    at::Tensor p = at::zeros({16}, at::kDouble);
    std::array<std::int64_t, 4> order{0, 1, 2, 3};
    do {
        at::Tensor x = at::full({16, 4}, 2, at::kLong), log_path = at::zeros({16}, at::kDouble);
        for (const std::int64_t site : order) {
            const at::Tensor known = (x != 2).unsqueeze(2);
            const at::Tensor policy = parts.network->conditional_logits(x)
                                          .to(at::kDouble)
                                          .masked_fill(known, -INFINITY)
                                          .flatten(1)
                                          .log_softmax(1);
            log_path += policy.gather(1, (2 * site + states.select(1, site)).unsqueeze(1)).squeeze(1);
            x.select(1, site).copy_(states.select(1, site));
        }
        p += log_path.exp();
    } while (std::next_permutation(order.begin(), order.end()));
    CHECK(p.sum().item<double>() == doctest::Approx(1).epsilon(1e-6));

    const Generated drawn = reading.draw(20000);
    CHECK(worst_sigma(frequencies(drawn.x), p, 20000) < 5);
    const at::Tensor exact = p.log().index_select(0, (drawn.x * at::tensor({1, 2, 4, 8}, at::kLong)).sum(1));
    const auto above = [](const at::Tensor& gap) {
        return gap.mean().item<double>() / (gap.std().item<double>() / std::sqrt(static_cast<double>(gap.numel())));
    };
    CHECK(above(drawn.log_p - exact) > 3);                // on average an upper bound on its own states,
    CHECK(above(reading.density(drawn.x) - exact) < -3);  // a lower bound on given ones
    CHECK((drawn.log_p - exact).mean().item<double>() < 0.5);
    CHECK_THROWS_WITH(reading.density(at::tensor({1, 2, 2, 2}, at::kLong).unsqueeze(0)),
                      "a model that chooses its order has no density for partial states; give full ones");
}

TEST_CASE("in few passes: normalised along one order, exact for what is drawn, and known sites stay") {
    const TrialParts parts = shaken("plugin = \"mam-energy\"");
    const at::NoGradGuard no_grad;
    // With nine only four passes have a site to draw.
    for (const auto& [passes, needed] : std::map<std::int64_t, std::int64_t>{{1, 1}, {2, 2}, {3, 3}, {9, 4}}) {
        CAPTURE(passes);
        const auto model = few_pass_model(*parts.network, passes);
        const auto again = [] { return make_generator(at::kCPU, 4, 2); };  // the same order each time
        double sum = 0;
        for (const at::Tensor& state : all_states().split(1)) {
            at::Generator generator = again();
            sum += model->log_density(state, generator, no_tick).exp().item<double>();
        }
        CHECK(sum == doctest::Approx(1).epsilon(1e-5));
        at::Generator drawing = again(), reading = again();
        std::int64_t ticks = 0;
        const Generated drawn = model->generate(500, drawing, [&] { ++ticks; });
        CHECK(ticks == needed);
        CHECK(at::allclose(model->log_density(drawn.x, reading, no_tick), drawn.log_p, 1e-6, 1e-6));
        const at::Tensor given = at::tensor({2, 1, 2, 0}, at::kLong).expand({300, 4});
        const Generated completed = model->complete(given, drawing, no_tick);
        CHECK(completed.x.select(1, 1).eq(1).all().item<bool>());
        CHECK(completed.x.select(1, 3).eq(0).all().item<bool>());
        CHECK(completed.x.max().item<std::int64_t>() == 1);
    }
    CHECK_THROWS_WITH_AS(few_pass_model(*parts.network, 0), "a state is drawn in 1 pass or more, not in 0", Error);
}

TEST_CASE("in a pass the sites are independent, and in one a site the states are those of random orders") {
    const TrialParts parts = shaken("plugin = \"mam-energy\"");
    const at::NoGradGuard no_grad;
    at::Generator generator = make_generator(at::kCPU, 8, 2);
    constexpr std::int64_t count = 40000;
    const at::Tensor blank = at::full({1, 4}, 2, at::kLong);
    const at::Tensor on = parts.network->conditional_logits(blank).softmax(2, at::kDouble).select(2, 1);
    const at::Tensor x = all_states();
    const at::Tensor p = at::where(x == 1, on, 1 - on).prod(1);
    const at::Tensor drawn = few_pass_model(*parts.network, 1)->generate(count, generator, no_tick).x;
    CHECK(worst_sigma(frequencies(drawn), p, count) < 4.5);
    // 9 passes draw a site at most: the mean over the orders that there are is the mean over those that are drawn.
    const auto slow = few_pass_model(*parts.network, 9);
    std::vector<at::Tensor> densities;
    for (int i = 0; i < 400; ++i) densities.push_back(slow->log_density(x, generator, no_tick).exp());
    const at::Tensor all = at::stack(densities), mean = all.mean(0);
    const at::Tensor sigma = (mean * (1 - mean) / static_cast<double>(count) + all.var(0) / 400).sqrt();
    const Generated states = slow->generate(count, generator, no_tick);
    CHECK(((frequencies(states.x) - mean) / sigma).abs().max().item<double>() < 4.5);
}

TEST_CASE("a few passes are shares of the entropy, so that what is certain costs none") {
    const TrialParts parts = shaken("plugin = \"mam-energy\"");
    const at::NoGradGuard no_grad;
    for (const auto& [bias, needed] : std::map<double, std::int64_t>{{0, 4}, {200, 1}}) {
        CAPTURE(bias);
        for (const auto& [name, weights] : parts.network->named_parameters()) {
            weights.zero_();
            if (name == "b_conditional") weights.select(1, 1).fill_(bias);
        }
        at::Generator generator = make_generator(at::kCPU, 6, 2);
        std::int64_t ticks = 0;
        const Generated drawn = few_pass_model(*parts.network, 4)->generate(50, generator, [&] { ++ticks; });
        CHECK(ticks == needed);
        CHECK(drawn.x.eq(1).all().item<bool>() == (bias > 0));
    }
}

TEST_CASE("a model of its own order is not read in few passes") {
    const TrialParts any = shaken("plugin = \"mam-energy\""), fixed = shaken("plugin = \"arm\"", "ancestral");
    CHECK(is_any_order(*Reading(any).model));
    CHECK_FALSE(is_any_order(*Reading(fixed).model));
}

TEST_CASE("completions are draws given what is known") {
    const auto check = [](const TrialParts& parts, const at::Tensor& given, double tolerance) {
        const at::Tensor known = given != 2;
        Reading reading(parts);
        const Generated drawn =
            reading.model->complete(given.unsqueeze(0).expand({20000, 4}), reading.generator, no_tick);
        CHECK(at::equal(at::where(known, drawn.x, given), given.expand_as(drawn.x)));
        // The density of what was drawn, by the model's own density of full states where one order is as good as
        // another.
        const at::Tensor fits = ((all_states() == given) | known.logical_not()).all(1);
        const at::Tensor log_p = reading.density(all_states()).masked_fill(fits.logical_not(), -INFINITY);
        if (tolerance > 0) {
            const at::Tensor place = (drawn.x * at::tensor({1, 2, 4, 8}, at::kLong)).sum(1);
            const at::Tensor expected = (log_p - log_p.logsumexp(0)).index_select(0, place);
            CHECK(at::allclose(drawn.log_p, expected, 0, tolerance));
            CHECK(worst_sigma(frequencies(drawn.x).index({fits}), log_p.softmax(0).index({fits}), 20000) < 5);
        }
        CHECK(drawn.log_p.exp().lt(1 + 1e-6).all().item<bool>());
    };
    const at::Tensor some = at::tensor({2, 1, 2, 0}, at::kLong), prefix = at::tensor({1, 0, 2, 2}, at::kLong);
    check(shaken("plugin = \"mam-energy\"", "block-gibbs", "plugin = \"mps\"\nbond = 3"), some, 1e-4);
    check(shaken("plugin = \"arm\""), prefix, 1e-4);
    check(shaken("plugin = \"mam-energy\"", "block-gibbs"), some, 0);
    for (const char* forward_looking : {"mam-balance", "mam-heat-bath"})
        check(shaken("plugin = \"" + std::string(forward_looking) + "\"", "single-site-gibbs"), some, 0);
    // One unknown site: any order, one conditional.
    check(shaken("plugin = \"arm\""), at::tensor({1, 0, 1, 2}, at::kLong), 1e-4);

    const TrialParts fixed = shaken("plugin = \"arm\"");
    Reading in_order(fixed);
    CHECK_THROWS_WITH(
        in_order.model->complete(some.unsqueeze(0), in_order.generator, no_tick),
        "a model of a fixed order cannot complete a state whose known sites are not the first ones; give states whose "
        "first sites are known, or train an any-order model");
    const TrialParts flow = shaken("plugin = \"gflownet-tb\"", "none");
    Reading chosen(flow);
    CHECK_THROWS_WITH(
        chosen.model->complete(some.unsqueeze(0), chosen.generator, no_tick),
        "this objective's model draws full states only and cannot complete partial ones; train an any-order model");
}

TEST_CASE("forward-looking marginals: 0 where nothing is known, log f - log Z on full states") {
    for (const char* objective : {"mam-balance", "mam-heat-bath"}) {
        CAPTURE(objective);
        const TrialParts parts = shaken("plugin = \"" + std::string(objective) + "\"", "single-site-gibbs");
        parts.objective->load({{"log_z_shift", at::scalar_tensor(3.0, at::kDouble)},
                               {"log_z_weight", at::scalar_tensor(0.05, at::kFloat)}});
        Reading reading(parts);
        CHECK(reading.model->log_marginal(at::full({1, 4}, 2, at::kLong)).item<double>() ==
              doctest::Approx(0).epsilon(1e-6));
        const at::Tensor states = all_states();
        const at::Tensor log_p = reading.model->log_marginal(states);
        for (std::int64_t row = 0; row < 16; ++row) {
            const std::vector<std::uint8_t> x = to_bytes(states[row].unsqueeze(0));
            CHECK(log_p[row].item<double>() == doctest::Approx(parts.energy->log_density(x) - 3.2).epsilon(1e-6));
        }
        // In between the network's correction counts.
        const at::Tensor partial = at::tensor({1, 2, 2, 0}, at::kLong).unsqueeze(0);
        const double before = reading.model->log_marginal(partial).item<double>();
        for (at::Tensor weights : parts.network->parameters()) weights.mul_(1.5);
        CHECK(std::abs(reading.model->log_marginal(partial).item<double>() - before) > 1e-4);
    }
}

TEST_CASE("a consistent network is read in one pass: every order gives its marginals") {
    const TrialParts parts = shaken("plugin = \"mam-energy\"", "block-gibbs", "plugin = \"mps\"\nbond = 3");
    CHECK(parts.network->consistent());
    Reading reading(parts);
    const at::Tensor log_p = reading.density(all_states());
    CHECK(log_p.exp().sum().item<double>() == doctest::Approx(1).epsilon(1e-5));
    CHECK(at::allclose(log_p, parts.network->log_marginal(all_states()).to(at::kDouble)));
    const at::Tensor orders = at::tensor({3, 1, 0, 2}, at::kLong).expand({16, 4});
    CHECK(at::allclose(log_density_along(*parts.network, all_states(), orders, no_tick), log_p, 0, 1e-4));
    CHECK(worst_sigma(frequencies(reading.draw(20000).x), log_p.exp(), 20000) < 5);
}

TEST_CASE("an energy-based model's log Z, by annealing, is that of all states") {
    const TrialParts parts = shaken("plugin = \"pcd\"\nannealing = 200", "single-site-gibbs");
    Reading reading(parts);
    CHECK(reading.model->density() == Model::Density::estimate);
    const at::Tensor log_q = parts.network->log_marginal(all_states()).to(at::kDouble);
    const at::Tensor log_p = reading.density(all_states());
    CHECK(at::allclose(log_p - log_p.mean(), log_q - log_q.mean(), 0, 1e-5));
    CHECK(log_p.logsumexp(0).item<double>() == doctest::Approx(0).epsilon(0.03));  // 512 runs of 200 moves
    CHECK(worst_sigma(frequencies(reading.draw(20000).x), log_q.softmax(0), 20000) < 5);
}

TEST_CASE("mam-reverse-kl follows on average, at states of its own, the gradient of the divergence of paths") {
    const TrialParts parts =
        shaken("plugin = \"mam-reverse-kl\"\nterms = 2\nsiblings = 4\npenalty = 0\n[train]\nbatch = 512", "none");
    at::Tensor weights = parts.network->parameters().front();
    at::Generator generator = make_generator(at::kCPU, 5, 9);
    const at::Tensor direction = at::randn(weights.sizes(), generator);
    const auto slope = [&](const at::Tensor& loss) {
        loss.backward();
        const double along = (weights.grad() * direction).sum().item<double>();
        for (at::Tensor parameter : parts.network->parameters()) parameter.mutable_grad().reset();
        return along;
    };

    // E_σ sum over x of p(x | σ) (log p(x | σ) - log f(x)) over all 24 orders and 16 states.
    const at::Tensor states = all_states(), log_f = at::empty({16}, at::kDouble);
    for (std::int64_t row = 0; row < 16; ++row)
        log_f[row].fill_(parts.energy->log_density(std::vector<std::uint8_t>(to_bytes(states[row].unsqueeze(0)))));
    at::Tensor divergence = at::zeros({}, at::kDouble);
    std::array<std::int64_t, 4> order{0, 1, 2, 3};
    do {
        at::Tensor x = at::full({16, 4}, 2, at::kLong), log_p = at::zeros({16}, at::kDouble);
        for (const std::int64_t site : order) {
            const at::Tensor logits = parts.network->conditional_logits(x).select(1, site).to(at::kDouble);
            log_p = log_p + logits.log_softmax(1).gather(1, states.select(1, site).unsqueeze(1)).squeeze(1);
            x = x.clone();
            x.select(1, site).copy_(states.select(1, site));
        }
        divergence = divergence + (log_p.exp() * (log_p - log_f)).sum() / 24;
    } while (std::next_permutation(order.begin(), order.end()));
    const double exact = slope(divergence);

    std::vector<double> estimates;
    for (std::int64_t i = 1; i <= 400; ++i) {
        parts.objective->load({});  // no states yet: whole ones are drawn
        TrainingStep step{i, *parts.network, nullptr, parts.batch_energy.get(), nullptr, generator, {}, generator};
        estimates.push_back(slope(parts.objective->loss(step)));
    }
    const at::Tensor all = at::tensor(estimates, at::kDouble);
    const double mean = all.mean().item<double>(), error = all.std().item<double>() / std::sqrt(400.0);
    CAPTURE(mean);
    CAPTURE(exact);
    CHECK(std::abs(exact) > 25 * error);  // so that the baseline's factor of 4 / 3 counts
    CHECK(std::abs(mean - exact) < 5 * error);
}

TEST_CASE("mam-reverse-kl learns a target, annealed or not") {
    for (const char* settings : {"", "anneal_from = 0.2\nanneal_steps = 150\n"}) {
        CAPTURE(std::string(settings));
        MemoryRecorder recorder;
        run_whole_trial(
            request_of("name = \"t\"\n[energy]\nplugin = \"ising\"\nrows = 2\ncolumns = 3\ncoupling = "
                       "0.4\n[network]\nplugin = \"mlp\"\n"
                       "hidden = 64\nlayers = 2\n[objective]\nplugin = \"mam-reverse-kl\"\n" +
                       std::string(settings) +
                       "[train]\nsteps = 300\nbatch = 64\nlearning_rate = 0.01\n[evaluation]\nmarginal_states = "
                       "0\nmarginal_time = false\n"),
            shipped_plugins(), recorder);
        CHECK(recorder.finals.at("kl") < 0.05);
        CHECK(recorder.finals.at("theta_gap_std") < 0.3);  // the marginals have followed
    }
}

TEST_CASE("mam-reverse-kl goes on after a stop to the same bits, its persistent states included") {
    TrialRequest request = request_of(
        "name = \"t\"\n[energy]\nplugin = \"ising\"\nrows = 2\ncolumns = 2\n[network]\nplugin = \"mlp\"\nhidden = 16\n"
        "layers = 1\n[objective]\nplugin = \"mam-reverse-kl\"\n[train]\nsteps = 12\nbatch = 8\n");
    MemoryRecorder unbroken, resumed;
    run_whole_trial(request, shipped_plugins(), unbroken);
    resumed.stop_after = 6;
    CHECK(run_whole_trial(request, shipped_plugins(), resumed) == TrialOutcome::stopped);
    request.checkpoint = resumed.checkpoints.back().second;
    resumed.stop_after = -1;
    CHECK(run_whole_trial(request, shipped_plugins(), resumed) == TrialOutcome::done);
    CHECK(unbroken.checkpoints.back() == resumed.checkpoints.back());
}

TEST_CASE("mam-reverse-kl refuses siblings that do not divide the batch") {
    CHECK_THROWS_WITH(shaken("plugin = \"mam-reverse-kl\"\nsiblings = 3\n[train]\nbatch = 64", "none"),
                      "objective 'mam-reverse-kl': siblings = 3 do not divide train.batch = 64; give a batch that is a "
                      "multiple of them");
}

}  // namespace train_models
