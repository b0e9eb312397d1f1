// Samplers of Markov chains on an energy: means against enumeration, resume, threads.
#include <doctest/doctest.h>

#include <cmath>
#include <iostream>

#include <ATen/ATen.h>
#include <marginalia/energy_states.h>
#include <marginalia/sampler.h>
#include <oneapi/tbb/global_control.h>

#include "tests/plugins/chain_sampling.h"

namespace train_chains {

using namespace marginalia;
using chain_sampling::Sampling;
using energy_plugin::Words;

namespace {

// log f / D and the square of the mean spin.
std::array<double, 2> look(const Energy& energy, State x) {
    double up = 0;
    for (const std::uint8_t symbol : x) up += symbol;
    const auto sites = static_cast<double>(x.size());
    return {energy.log_density(x) / sites, std::pow(2 * up / sites - 1, 2)};
}

std::array<double, 2> exact_means(const Energy& energy) {
    std::vector<std::uint8_t> x(static_cast<std::size_t>(energy.sites()));
    std::array<double, 2> sums{};
    for (std::uint32_t number = 0; number >> x.size() == 0; ++number) {
        for (std::size_t site = 0; site < x.size(); ++site) x[site] = number >> site & 1;
        const double p = std::exp(energy.log_density(x) - *energy.log_z());
        for (std::size_t i = 0; i < 2; ++i) sums[i] += p * look(energy, x)[i];
    }
    return sums;
}

// The means over draws of independent chains lie within 4 standard errors, taken between the chains, of the exact ones.
void check_means(const std::string& plugin, const Words& words, const Energy& energy, double most_error) {
    constexpr std::int64_t chains = 64;
    constexpr int draws = 400;
    Sampling sampling(plugin, words, energy, chains);
    std::vector<std::array<double, 2>> of_chain(chains);
    for (int i = 0; i < draws; ++i) {
        const std::vector<std::uint8_t> bytes = to_bytes(sampling.draw());
        const States rows{bytes, static_cast<std::size_t>(energy.sites())};
        for (std::size_t chain = 0; chain < chains; ++chain)
            for (std::size_t q = 0; q < 2; ++q) of_chain[chain][q] += look(energy, rows[chain])[q] / draws;
    }
    const auto exact = exact_means(energy);
    for (std::size_t q = 0; q < 2; ++q) {
        double mean = 0, square = 0;
        for (const auto& values : of_chain) mean += values[q] / chains;
        for (const auto& values : of_chain) square += std::pow(values[q] - mean, 2);
        const double error = std::sqrt(square / (chains - 1) / chains);
        std::cout << plugin << ": " << mean << " +- " << error << ", exact " << exact[q] << "\n";
        CHECK(std::abs(mean - exact[q]) < 4 * error);
        CHECK(error < most_error);
    }
    std::cout << sampling.sampler->report() << "\n";
}

const Words ising{{"rows", "4"}, {"columns", "4"}, {"coupling", "0.44"}, {"field", "0"}};
const Words glass{{"rows", "4"}, {"columns", "4"}, {"beta", "1.5"}, {"disorder_seed", "3"}};

struct Chosen {
    const char* plugin;
    Words words;
};
const std::vector<Chosen> all_samplers{{"single-site-gibbs", {{"burn_in", "3"}}},
                                       {"parallel-tempering", {{"temperatures", "4"}, {"burn_in", "3"}}},
                                       {"gibbs-with-gradients", {{"burn_in", "30"}}},
                                       {"swendsen-wang", {{"burn_in", "3"}}}};

}  // namespace

TEST_CASE("a hottest replica of beta 0 and a ladder of one are as they must be") {
    const auto energy = energy_plugin::make("ising", ising);
    CHECK_THROWS_WITH_AS(Sampling("parallel-tempering", {{"hottest", "0"}}, *energy, 2),
                         "hottest = 0 is on no geometric ladder; make it larger, or set ladder = \"linear\"", Error);
    // With one temperature it is the sampler of plain heat-bath chains, random numbers and all.
    Sampling one("parallel-tempering", {{"temperatures", "1"}}, *energy, 4);
    Sampling plain("single-site-gibbs", {{"start", "spread"}}, *energy, 4);
    CHECK(at::equal(one.draw(), plain.draw()));
    CHECK(one.sampler->report() == "4 chains at beta 1 alone, 101 sweeps each");
}

TEST_CASE("chains on a 4x4 Ising model at coupling 0.44 have its means") {
    const auto energy = energy_plugin::make("ising", ising);
    check_means("single-site-gibbs", {{"burn_in", "100"}}, *energy, 0.02);
    check_means("swendsen-wang", {{"sweeps", "2"}}, *energy, 0.01);
    check_means("parallel-tempering", {{"temperatures", "4"}, {"hottest", "0.3"}}, *energy, 0.01);
    check_means("parallel-tempering", {{"temperatures", "3"}, {"hottest", "0"}, {"ladder", "linear"}}, *energy, 0.01);
    check_means("gibbs-with-gradients", {{"steps", "16"}}, *energy, 0.02);
}

TEST_CASE("parallel tempering finds the means of a 4x4 +-J glass, and says how it went") {
    const auto energy = energy_plugin::make("edwards-anderson", glass);
    check_means("parallel-tempering", {{"temperatures", "8"}, {"hottest", "0.2"}}, *energy, 0.01);
    Sampling sampling("parallel-tempering", {{"temperatures", "8"}, {"hottest", "0.2"}, {"sweeps", "500"}}, *energy, 2);
    sampling.draw();
    const std::string report = sampling.sampler->report();
    CAPTURE(report);
    CHECK(report.starts_with("2 ensembles of 8 replicas, 600 sweeps each; swaps accepted: mean 0."));
    CHECK(report.find("; 0 round trips") == std::string::npos);
}

TEST_CASE("guided proposals are right where the differences are of first order only") {
    const std::string folder = std::string(MARGINALIA_SOURCE_DIR) + "/plugins/energies/rbm/example_";
    const auto energy = energy_plugin::make("rbm", {{"weights", folder + "weights.npy"},
                                                    {"visible_bias", folder + "visible_bias.npy"},
                                                    {"hidden_bias", folder + "hidden_bias.npy"}});
    check_means("gibbs-with-gradients", {{"steps", "16"}}, *energy, 0.02);
}

TEST_CASE("a resume goes on bit for bit, the report too") {
    const auto energy = energy_plugin::make("edwards-anderson", glass);
    for (const auto& [plugin, words] : all_samplers) {
        CAPTURE(plugin);
        Sampling unbroken(plugin, words, *energy, 6, 1), resumed(plugin, words, *energy, 6, 2);
        const at::Tensor first = unbroken.draw();
        const StateDict state = unbroken.sampler->state();
        const at::Tensor next = unbroken.draw();
        CHECK(!at::equal(first, next));
        CHECK(!at::equal(resumed.draw(), first));
        resumed.sampler->load(state);
        CHECK(at::equal(resumed.draw(), next));
        CHECK(resumed.sampler->report() == unbroken.sampler->report());
    }
    Sampling few("single-site-gibbs", {}, *energy, 2), more("single-site-gibbs", {}, *energy, 3);
    CHECK_THROWS_WITH_AS(more.sampler->load(few.sampler->state()),
                         "the checkpoint holds 2 chains of 32 symbols in all where the sampler has 3 of 48; go on with "
                         "the batch and the parameters that it was saved with",
                         Error);
}

TEST_CASE("one thread and two give the same states") {
    const auto energy = energy_plugin::make("ising", ising);
    for (const auto& [plugin, words] : all_samplers) {
        const auto with_threads = [&](std::size_t threads) {
            const oneapi::tbb::global_control limit(oneapi::tbb::global_control::max_allowed_parallelism, threads);
            Sampling sampling(plugin, words, *energy, 9);
            sampling.draw();
            return sampling.draw();
        };
        CHECK(at::equal(with_threads(1), with_threads(2)));
    }
}

TEST_CASE("chains find their way to possible states") {
    const std::string folder = std::string(MARGINALIA_SOURCE_DIR) + "/plugins/energies/uai/example.";
    const auto energy = energy_plugin::make("uai", {{"file", folder + "uai"}, {"evidence", folder + "evid"}});
    for (const auto& [plugin, words] : all_samplers) {
        if (std::string(plugin) == "swendsen-wang") continue;  // refuses this energy
        const std::vector<std::uint8_t> bytes = to_bytes(Sampling(plugin, words, *energy, 20).draw());
        const States rows{bytes, static_cast<std::size_t>(energy->sites())};
        for (std::size_t row = 0; row < rows.size(); ++row) CHECK(energy->log_density(rows[row]) > -HUGE_VAL);
    }
}

TEST_CASE("an energy that does not suit is refused") {
    struct Plain final : Energy {
        Plain() : Energy(3, 2) {}
        double log_density(State) const override { return 0; }
    } plain;
    CHECK_THROWS_WITH_AS(Sampling("gibbs-with-gradients", {}, plain, 2),
                         "the energy offers no differences to neighbouring states, which the proposals are made of; "
                         "take another sampler, such as single-site-gibbs",
                         Error);
    struct Impossible final : Energy {
        Impossible() : Energy(3, 2) {}
        double log_density(State) const override { return -HUGE_VAL; }
    } impossible;
    CHECK_THROWS_WITH_AS(Sampling("single-site-gibbs", {}, impossible, 1).draw(),
                         "no state of f > 0 was found in 1000 heat-bath sweeps; the energy is too hard for chains of "
                         "single-site updates",
                         Error);
}

}  // namespace train_chains
