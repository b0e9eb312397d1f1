// Cluster updates with held sites, and the targets made with them, against enumeration.
#include <doctest/doctest.h>

#include <cmath>
#include <iostream>

#include "clusters/cluster_moves.h"
#include "plugins/objectives/mam-heat-bath/target_sweeps.h"
#include "tests/plugins/energy_enumeration.h"

namespace cluster_moves {

using energy_enumeration::Bytes;
using energy_enumeration::Enumeration;
using energy_plugin::make;
using energy_plugin::Words;

namespace {

// p*(x_d = k | x_S) of the unknown sites d, (D, K).
std::vector<double> exact_conditionals(const Enumeration& all, const Bytes& partial) {
    std::vector<double> p(all.sites * all.categories);
    const double whole = all.log_sum(partial);
    for (std::size_t site = 0; site < all.sites; ++site) {
        if (partial[site] < all.categories) continue;
        Bytes with = partial;
        for (std::size_t k = 0; k < all.categories; ++k) {
            with[site] = static_cast<std::uint8_t>(k);
            p[site * all.categories + k] = std::exp(all.log_sum(with) - whole);
        }
    }
    return p;
}

struct MeanTargets {
    std::vector<double> mean, error;  // (D, K); errors from blocks of the chain
};

constexpr int blocks = 100;

MeanTargets mean_targets(TargetSweeps& sweeps, Bytes x, const Bytes& unknown, std::size_t cells, int per_block) {
    marginalia::FastRandom random(7);
    std::vector<double> sum(cells), squares(cells);
    for (int block = 0; block < blocks; ++block) {
        std::vector<float> of_block(cells);
        for (int i = 0; i < per_block; ++i) sweeps.add(x, unknown, of_block, random);
        for (std::size_t i = 0; i < cells; ++i) {
            const double mean = of_block[i] / per_block;
            sum[i] += mean / blocks;
            squares[i] += mean * mean / blocks;
        }
    }
    for (std::size_t i = 0; i < cells; ++i)
        squares[i] = std::sqrt(std::max(0.0, squares[i] - sum[i] * sum[i]) / blocks);
    return {sum, squares};
}

void check_targets(const marginalia::Energy& energy, const Bytes& partial) {
    const Enumeration all(energy);
    const clusters::Couplings couplings = clusters::couplings_of(energy, "");
    TargetSweeps sweeps(energy, &couplings, 2);
    Bytes x = partial, unknown;
    for (std::uint8_t& symbol : x) {
        unknown.push_back(symbol == all.categories);
        if (unknown.back()) symbol = 0;
    }
    const std::vector<double> exact = exact_conditionals(all, partial);
    const MeanTargets targets = mean_targets(sweeps, x, unknown, exact.size(), 2000);
    double worst = 0;
    for (std::size_t i = 0; i < exact.size(); ++i) {
        CAPTURE(i);
        CHECK(std::abs(targets.mean[i] - exact[i]) < 4.5 * targets.error[i] + 1e-5);
        worst = std::max(worst, targets.error[i]);
    }
    CHECK(worst < 0.004);
}

}  // namespace

TEST_CASE("targets of cluster sweeps have the conditionals of the energy as their mean (4.5 sigma of 100 blocks)") {
    const Bytes some{2, 1, 2, 2, 0, 2, 2, 2, 1}, none(9, 2);
    for (const Bytes& partial : {some, none}) {
        check_targets(*make("ising", {{"rows", "3"}, {"columns", "3"}, {"coupling", "0.4"}, {"field", "0.2"}}),
                      partial);
        check_targets(*make("ising", {{"rows", "3"}, {"columns", "3"}, {"coupling", "-0.3"}, {"field", "0"}}), partial);
        check_targets(*make("edwards-anderson", {{"rows", "3"}, {"columns", "3"}, {"beta", "0.8"}}), partial);
    }
    check_targets(
        *make("potts", {{"states", "3"}, {"rows", "2"}, {"columns", "4"}, {"coupling", "0.7"}, {"field", "0.4"}}),
        {3, 1, 3, 3, 2, 3, 3, 3});
}

TEST_CASE("near the critical coupling the targets of clusters vary much less than those of single sites") {
    const auto energy = make("ising", {{"rows", "12"}, {"columns", "12"}, {"coupling", "0.44"}, {"field", "0"}});
    const clusters::Couplings couplings = clusters::couplings_of(*energy, "");
    Bytes unknown(144, 1), start(144, 1);
    unknown[0] = unknown[70] = 0;
    start[70] = 0;
    double variance[2];
    for (const bool with : {false, true}) {
        TargetSweeps sweeps(*energy, with ? &couplings : nullptr, 64);
        const MeanTargets targets = mean_targets(sweeps, start, unknown, 288, 1);
        double sum = 0;
        for (const double error : targets.error) sum += error * error * blocks / 288;
        variance[with] = sum;
    }
    std::cout << "variance of the targets: " << variance[0] << ", with clusters " << variance[1] << "\n";
    CHECK(variance[1] < 0.5 * variance[0]);
}

TEST_CASE("couplings that feel more than a difference, and energies that do not name theirs, are refused") {
    marginalia::EnergyForm form;
    form.tables = {{0, 0, 0, 0, 1, 0, 0, 0, 0}};
    form.pairs = {{0, 1, 0}};
    CHECK_THROWS_WITH_AS(clusters::Couplings(form, 2, 3, "take another sampler"),
                         "cluster updates need pairs that feel only the difference of their symbols, such as those of "
                         "two symbols and of Potts models, and this energy has others; take another sampler",
                         marginalia::Error);
    form.bias = {0.0};
    CHECK_THROWS_WITH_AS(
        clusters::Couplings(form, 2, 3),
        "cluster updates need an energy of single sites and pairs, and this one has hidden units; take "
        "another energy",
        marginalia::Error);
    const std::string folder = std::string(MARGINALIA_SOURCE_DIR) + "/plugins/energies/uai/example.";
    CHECK_THROWS_WITH_AS(clusters::couplings_of(*make("uai", {{"file", folder + "uai"}}), "take parallel-tempering"),
                         "cluster updates need an energy that says what its couplings are, such as ising, potts or "
                         "edwards-anderson, without train.anneal_from; take parallel-tempering",
                         marginalia::Error);
}

}  // namespace cluster_moves
