// Reference chains, sample quality and what is reported without an exact log Z.
#include <doctest/doctest.h>

#include <cmath>
#include <filesystem>
#include <numeric>

#include <ATen/ATen.h>

#include "kernel/worker/evaluate/evaluation.h"
#include "kernel/worker/evaluate/reference.h"
#include "kernel/worker/evaluate/stages.h"
#include "tests/worker/trial_fixture.h"

using namespace marginalia;

namespace {

// m chains of n values of an autoregressive process with correlation rho, unit variance.
at::Tensor autoregressive(std::int64_t m, std::int64_t n, double rho, at::Generator& generator) {
    const at::Tensor noise = at::randn({m, n}, generator, at::kDouble);
    at::Tensor values = at::empty_like(noise);
    values.select(1, 0).copy_(noise.select(1, 0));
    for (std::int64_t t = 1; t < n; ++t)
        values.select(1, t).copy_(rho * values.select(1, t - 1) + std::sqrt(1 - rho * rho) * noise.select(1, t));
    return values;
}

Reference states(const at::Tensor& x) { return {x, true, 0, "", {}}; }

std::string ising(const std::string& rest, const std::string& size = "rows = 3\ncolumns = 3") {
    return "name = \"t\"\n[energy]\nplugin = \"ising\"\n" + size +
           "\n[network]\nplugin = \"lattice-conv\"\nchannels = 4\nlayers = 2\n[sampler]\nplugin = \"block-gibbs\"\n"
           "[objective]\nplugin = \"mam-energy\"\n[train]\nsteps = 0\n" +
           rest;
}

}  // namespace

TEST_CASE("stages that are done are not done again, and what a stranger has kept of them is refused") {
    Domain domain;
    domain.sites = 4;
    domain.categories = 2;
    MemoryRecorder recorder;
    TrialRequest request;
    request.checkpoint_seconds = 0;
    Stages first(request, domain, recorder, 7);
    int done = 0;
    first.once("one", [&] {
        ++done;
        first.keep_states("drawn", at::ones({3, 4}, at::kLong));
        first.keep_numbers("chains", {2});
    });
    REQUIRE(recorder.checkpoints.size() == 1);
    CHECK(recorder.checkpoints[0].first == 7);

    request.start_from = recorder.checkpoints[0].second;
    Stages next(request, domain, recorder, 7);
    next.once("one", [&] { ++done; });
    next.once("other", [&] { ++done; });
    CHECK(done == 2);
    CHECK(next.states("drawn").equal(at::ones({3, 4}, at::kLong)));
    CHECK(!next.states("nothing").defined());
    CHECK(next.count("chains", 3) == 2);
    CHECK_THROWS_WITH_AS(
        next.count("chains", 1),
        "what the store has kept of this evaluation does not fit the trial: its 'chains' is not a number "
        "from 0 to 1; start it again with evaluate --again",
        Error);
    CHECK_THROWS_AS(next.count("nothing", 3), Error);

    domain.categories = 1;
    CHECK_THROWS_WITH_AS(Stages(request, domain, recorder, 7),
                         "what the store has kept of this evaluation does not fit the trial: its states 'drawn' are of "
                         "other sites or symbols; start it again with evaluate --again",
                         Error);
    domain.categories = 2;
    domain.sites = 5;
    CHECK_THROWS_AS(Stages(request, domain, recorder, 7), Error);
}

TEST_CASE("convergence of chains with known autocorrelation") {
    at::Generator generator = make_generator(at::kCPU, 0, 1);
    const Convergence independent = convergence_of(autoregressive(8, 4000, 0, generator));
    CHECK(independent.rhat == doctest::Approx(1).epsilon(0.003));
    CHECK(independent.ess > 0.85 * 32000);
    // The effective share of an AR(1) process is (1 - rho) / (1 + rho) = 1/19 at rho = 0.9.
    const Convergence slow = convergence_of(autoregressive(8, 20000, 0.9, generator));
    CHECK(slow.ess == doctest::Approx(160000.0 / 19).epsilon(0.15));
    CHECK(slow.rhat < 1.01);
    // A vector's variance is that of its components together, so one of weight 3 and a constant are as the first alone.
    const at::Tensor values = autoregressive(8, 2000, 0.9, generator);
    const Convergence scaled = convergence_of(at::stack({3 * values, at::ones_like(values)}, 2));
    CHECK(scaled.ess == doctest::Approx(convergence_of(values).ess));
    CHECK(scaled.rhat == doctest::Approx(convergence_of(values).rhat));
    // Chains about different means: between-chain variance 4, within 1 -> R-hat near sqrt(5).
    const at::Tensor apart = autoregressive(2, 1000, 0, generator) + at::tensor({-2.0, 2.0}, at::kDouble).unsqueeze(1);
    CHECK(convergence_of(apart).rhat > 1.8);
    CHECK(convergence_of(at::ones({4, 10}, at::kDouble)).rhat == 1);
    CHECK(std::isnan(convergence_of(at::ones({4, 3}, at::kDouble)).rhat));
}

TEST_CASE("errors over chains count effective values") {
    at::Generator generator = make_generator(at::kCPU, 0, 2);
    const at::Tensor values =
        autoregressive(8, 20000, 0.9, generator).t().contiguous().flatten();  // a draw of all chains, the next
    const Spread naive = spread_of(values), right = spread_of(values, 8);
    CHECK(right.mean == naive.mean);
    CHECK(right.error / naive.error == doctest::Approx(std::sqrt(19.0)).epsilon(0.1));
    CHECK(spread_of(values, 0).error == naive.error);
}

TEST_CASE("energy distance and pair correlations of known states") {
    const TrialParts parts = build_energy(request_of(ising("", "rows = 4\ncolumns = 4")), shipped_plugins());
    Curves curves;
    const at::Tensor up = at::ones({10, 16}, at::kLong), down = at::zeros({10, 16}, at::kLong);
    // log f = 0.2 * 32 ± 0.2 * 16: the distributions lie 6.4 nats apart.
    CHECK(evaluate_quality(parts, up, states(down), curves).at("energy_distance") == doctest::Approx(6.4));
    CHECK(curves.at("pair_correlation").at(1) == doctest::Approx(0));  // all agree, as they must by chance alone
    CHECK(curves.at("pair_correlation").size() == 2);                  // up to half an extent

    // A chessboard: neighbours never agree, next but one always do, and by chance half of all pairs.
    const at::Tensor board = (at::arange(4).unsqueeze(1) + at::arange(4)).remainder(2).view({1, 16}).repeat({10, 1});
    const Figures figures = evaluate_quality(parts, board, states(board), curves);
    CHECK(figures.at("energy_distance") == 0);
    CHECK(figures.at("pair_correlation_rmse") == 0);
    CHECK(figures.at("energy_distance_floor") == 0);
    CHECK(figures.at("pair_correlation_rmse_floor") == 0);
    CHECK(curves.at("pair_correlation").at(1) == doctest::Approx(-0.5));
    CHECK(curves.at("pair_correlation").at(2) == doctest::Approx(0.5));
    CHECK(curves.at("pair_correlation_reference_stderr").at(1) == 0);

    // <s s'> of neighbours is 1 of the one and -1 of the other, of next but one 1 of both.
    CHECK(evaluate_quality(parts, up, states(board), curves).at("two_point_error") == doctest::Approx(1));
    CHECK(figures.at("two_point_error") == 0);
    CHECK(figures.at("two_point_error_floor") == 0);

    // Half of the states moved by 6.4 nats: a distance of 3.2.
    CHECK(evaluate_quality(parts, at::cat({up, down}), states(up), curves).at("energy_distance") ==
          doctest::Approx(3.2));
}

TEST_CASE("[reference] chains stand for the energy's own states and tell how they mixed") {
    MemoryRecorder own, chains;
    const std::string evaluation =
        "[evaluation]\nsamples = 64\nnll_samples = 4000\nmarginal_states = 0\nmarginal_time = false\n";
    run_whole_trial(request_of(ising(evaluation)), shipped_plugins(), own);
    run_whole_trial(
        request_of(ising(evaluation + "[reference]\nplugin = \"parallel-tempering\"\ntemperatures = 4\nsweeps = 4\n")),
        shipped_plugins(), chains);
    CHECK(own.finals.count("reference_rhat") == 0);
    CHECK(chains.finals.at("reference_rhat") < 1.05);
    CHECK(chains.finals.at("reference_ess") > 1000);
    CHECK(chains.samples.at("reference_samples").find("8 chains of 500 draws") != std::string::npos);
    const auto magnetisation = [](const MemoryRecorder& r, const char* end) {
        return r.finals.at(std::string("observable.magnetisation_reference") + end);
    };
    const double error = std::hypot(magnetisation(own, "_stderr"), magnetisation(chains, "_stderr"));
    CHECK(std::abs(magnetisation(own, "") - magnetisation(chains, "")) < 5 * error);
    // Forward KL of the uniform distribution: D log 2 - entropy.
    const double expected = 9 * std::log(2.0) * (1 - own.finals.at("entropy_bits_exact"));
    CHECK(std::abs(own.finals.at("forward_kl") - expected) < 5 * own.finals.at("forward_kl_stderr"));
}

TEST_CASE("without an exact log Z the KL is an estimate, by annealing") {
    MemoryRecorder recorder;
    run_whole_trial(
        request_of(ising("[evaluation]\nsamples = 256\nnll_samples = 0\nmarginal_states = 0\nmarginal_time = "
                         "false\nais_chains = 64\nais_temperatures = 100\n",
                         "rows = 18\ncolumns = 18")),
        shipped_plugins(), recorder);
    CHECK(recorder.finals.count("kl") + recorder.finals.count("kl_per_site") == 0);
    CHECK(recorder.finals.at("free_energy_per_site") == doctest::Approx(recorder.finals.at("free_energy") / 324));
    CHECK(recorder.finals.count("log_z_exact") == 0);
    CHECK(recorder.finals.at("kl_estimate") ==
          doctest::Approx(recorder.finals.at("free_energy") + recorder.finals.at("log_z_ais")));
    CHECK(recorder.finals.at("kl_estimate_stderr") > recorder.finals.at("log_z_ais_stderr"));
    CHECK(recorder.finals.at("log_z_ais") / 324 ==
          doctest::Approx(0.78688).epsilon(0.002));  // log Z a site of large lattices
}

TEST_CASE("log Z by importance weights of the model's states, and how many of them count") {
    MemoryRecorder recorder;
    run_whole_trial(
        request_of(ising("[evaluation]\nsamples = 500\nnll_samples = 0\nmarginal_states = 0\nmarginal_time = false\n",
                         "rows = 18\ncolumns = 18\ncoupling = 0.0\nfield = 0.03")),
        shipped_plugins(), recorder);
    // Spins that do not see each other, and a model that is uniform: weights exp(0.03 sum of spins).
    const double error = recorder.finals.at("log_z_importance_stderr"), sites = 324;
    CHECK(std::abs(recorder.finals.at("log_z_importance") - sites * std::log(2 * std::cosh(0.03))) < 5 * error);
    CHECK(error == doctest::Approx(std::sqrt((std::exp(sites * 0.03 * 0.03) - 1) / 500)).epsilon(0.3));
    const double ess_error = recorder.finals.at("ess_stderr");
    CHECK(ess_error < 0.05);
    CHECK(std::abs(recorder.finals.at("ess") - std::exp(-sites * 0.03 * 0.03)) < 5 * ess_error);
    CHECK(recorder.finals.count("valid") + recorder.finals.count("unique") == 0);  // a spin state stands for itself
}

TEST_CASE("the bounds of log Z, the total variation and errors of observables, by their closed forms (5 sigma)") {
    MemoryRecorder recorder;
    run_whole_trial(
        request_of(
            ising("[evaluation]\nsamples = 4000\nnll_samples = 4000\nmarginal_states = 0\nmarginal_time = false\n",
                  "rows = 4\ncolumns = 4\ncoupling = 0.0\nfield = 0.3")),
        shipped_plugins(), recorder);
    const auto& finals = recorder.finals;
    const auto is_near = [&](const std::string& name, double expected) {
        CAPTURE(name);
        CAPTURE(expected);
        CHECK(finals.at(name + "_stderr") > 0);
        CHECK(std::abs(finals.at(name) - expected) < 5 * finals.at(name + "_stderr"));
    };
    // Sixteen free spins of mean tanh 0.3, and a model that is uniform: log p = -16 log 2.
    const double sites = 16, mean = std::tanh(0.3), up = (1 + mean) / 2;
    is_near("elbo", sites * std::log(2.0));
    CHECK(finals.at("elbo") == -finals.at("free_energy"));
    is_near("eubo", sites * (0.3 * mean + std::log(2.0)));
    CHECK(finals.at("eubo") - finals.at("log_z_exact") == doctest::Approx(finals.at("forward_kl")));
    double distance = 0, ways = 1;  // states with k spins up
    for (int k = 0; k <= 16; ++k) {
        distance += ways * std::abs(std::pow(0.5, sites) - std::pow(up, k) * std::pow(1 - up, sites - k)) / 2;
        ways = ways * (sites - k) / (k + 1);
    }
    is_near("total_variation", distance);
    is_near("log_z_importance_error", 0);
    CHECK(finals.at("log_z_importance_error") ==
          doctest::Approx(std::abs(finals.at("log_z_importance") - finals.at("log_z_exact"))));
    CHECK(finals.at("log_z_importance_per_site") == doctest::Approx(finals.at("log_z_importance") / sites));
    CHECK(finals.at("nll") == doctest::Approx(finals.at("nll_bits") * sites * std::log(2.0)));
    // The field likes the most spins up: 14 of 16 or more have a chance of 0.002 a state.
    CHECK(finals.at("observable_best.magnetisation") >= 0.75);
    is_near("observable_error.magnetisation", mean);
    CHECK(finals.at("observable_error.magnetisation") ==
          doctest::Approx(
              std::abs(finals.at("observable.magnetisation") - finals.at("observable.magnetisation_reference"))));
}

TEST_CASE("sums over all states of free spins beside a uniform model") {
    const auto finals_with = [](const std::string& states) {
        MemoryRecorder recorder;
        run_whole_trial(
            request_of(ising("[evaluation]\nsamples = 0\nnll_samples = 0\nmarginal_states = 0\nmarginal_time "
                             "= false\nenumeration = " +
                                 states,
                             "rows = 3\ncolumns = 3\ncoupling = 0.0\nfield = 0.3")),
            shipped_plugins(), recorder);
        return recorder.finals;
    };
    const auto finals = finals_with("512");
    const double sites = 9, mean = std::tanh(0.3), up = (1 + mean) / 2, log_cosh = std::log(std::cosh(0.3));
    CHECK(finals.at("kl_enumerated") == doctest::Approx(sites * log_cosh).epsilon(1e-5));
    CHECK(finals.at("forward_kl_enumerated") == doctest::Approx(sites * (0.3 * mean - log_cosh)).epsilon(1e-5));
    CHECK(finals.at("chi_squared_enumerated") ==
          doctest::Approx(std::pow(4 * up * (1 - up), -sites) - 1).epsilon(1e-5));
    double distance = 0, ways = 1;  // states with k spins up
    for (int k = 0; k <= 9; ++k) {
        distance += ways * std::abs(std::pow(0.5, sites) - std::pow(up, k) * std::pow(1 - up, sites - k)) / 2;
        ways = ways * (sites - k) / (k + 1);
    }
    CHECK(finals.at("total_variation_enumerated") == doctest::Approx(distance).epsilon(1e-5));
    CHECK(finals.at("kl_enumerated_stderr") < 1e-6);        // all orders are alike
    CHECK(finals_with("511").count("kl_enumerated") == 0);  // one state too many
}

TEST_CASE(
    "sums over all states are what drawn and reference states say of a model that is neither uniform nor right (5 "
    "sigma)") {
    std::string text = ising(
        "[evaluation]\nsamples = 4000\nnll_samples = 4000\nmarginal_states = 0\nmarginal_time = "
        "false\nenumeration = 512\n",
        "rows = 3\ncolumns = 3\ncoupling = 0.4");
    text.replace(text.find("steps = 0"), 9, "steps = 40");
    MemoryRecorder recorder;
    run_whole_trial(request_of(text), shipped_plugins(), recorder);
    for (const std::string name : {"kl", "forward_kl", "total_variation"}) {
        CAPTURE(name);
        const double sum = recorder.finals.at(name + "_enumerated"), drawn = recorder.finals.at(name);
        const double error =
            std::hypot(recorder.finals.at(name + "_enumerated_stderr"), recorder.finals.at(name + "_stderr"));
        CHECK(sum > 5 * error);  // not the target
        CHECK(std::abs(sum - drawn) < 5 * error);
    }
    CHECK(recorder.finals.at("kl_enumerated_stderr") > 0);  // orders differ
}

TEST_CASE("molecules are counted by what they are, compared with their target, and drawn") {
    if (!std::filesystem::exists(MARGINALIA_PLUGIN_DIR "/lipophilicity.so")) {
        MESSAGE("left out: this build has no RDKit");
        return;
    }
    MemoryRecorder recorder;
    run_whole_trial(
        request_of(
            "name = \"t\"\n[energy]\nplugin = \"lipophilicity\"\nlength = 12\n[network]\nplugin = \"mlp\"\nhidden = "
            "8\nlayers = 1\n"
            "[sampler]\nplugin = \"block-gibbs\"\n[objective]\nplugin = \"mam-energy\"\n[train]\nsteps = 0\n"
            "[evaluation]\nsamples = 200\npictures = 4\nnll_samples = 0\nmarginal_states = 0\nmarginal_time = false\n"),
        shipped_plugins(), recorder);
    const auto& finals = recorder.finals;
    CHECK(finals.at("valid") > 0.9);
    CHECK(finals.at("unique") > 0.3);
    CHECK(finals.at("unique") < 1);  // methane and water come more than once
    CHECK(finals.at("diversity") > 0.8);
    // Uniform rows have log P near 0.5, so that moving them to N(4, 0.7) takes 3.5.
    CHECK(finals.at("observable_distance.logp_target") ==
          doctest::Approx(4 - finals.at("observable.logp")).epsilon(0.1));
    CHECK(finals.at("observable.logp_deviation") > 0.3);
    CHECK(recorder.samples.at("samples").starts_with("<svg"));
    CHECK(recorder.samples.at("histogram.logp").find("target 4 ± 0.707") != std::string::npos);
}

TEST_CASE("objectives' own bounds and estimates go by other names") {
    const std::string base =
        "name = \"t\"\n[energy]\nplugin = \"ising\"\nrows = 2\ncolumns = 2\n[network]\nplugin = \"mlp\"\nhidden = "
        "8\nlayers = 1\n"
        "[sampler]\nplugin = \"single-site-gibbs\"\n[train]\nsteps = 2\nbatch = 8\n"
        "[evaluation]\nsamples = 32\nnll_samples = 32\n[objective]\nplugin = ";
    const auto names = [&](const std::string& objective) {
        MemoryRecorder recorder;
        run_whole_trial(request_of(base + objective), shipped_plugins(), recorder);
        return recorder.finals;
    };
    const auto bound = names("\"gflownet-subtb\"\n");
    CHECK(bound.count("kl_bound") + bound.count("nll_bits_bound") + bound.count("forward_kl_bound") == 3);
    CHECK(bound.count("kl") + bound.count("nll_bits") == 0);
    const auto estimate = names("\"pcd\"\nannealing = 20\n");
    CHECK(estimate.count("kl_estimate") + estimate.count("nll_bits_estimate") == 2);
    CHECK(estimate.count("kl") + estimate.count("marginal_seconds") == 0);
    CHECK(estimate.count("conditional_seconds") == 1);
}
