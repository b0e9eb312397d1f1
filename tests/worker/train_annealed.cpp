// Annealed importance sampling against exact log Z.
#include <doctest/doctest.h>

#include <cmath>
#include <iostream>

#include <oneapi/tbb/global_control.h>

#include "kernel/worker/evaluate/annealed_importance.h"
#include "tests/plugins/energy_plugin.h"

using namespace marginalia;
using energy_plugin::Words;

namespace {

// log f = `level` for all states whose first `forbidden` sites are 0, otherwise -infinity.
struct Flat final : Energy {
    Flat(double level, std::int64_t forbidden) : Energy(5, 3), level_(level), forbidden_(forbidden) {}
    double log_density(State x) const override {
        for (std::int64_t site = 0; site < forbidden_; ++site)
            if (x[static_cast<std::size_t>(site)] != 0) return -HUGE_VAL;
        return level_;
    }
    const double level_;
    const std::int64_t forbidden_;
};

AnnealedLogZ estimate(const Energy& energy, std::int64_t chains, std::int64_t temperatures, std::uint64_t seed = 1) {
    return annealed_log_z(energy, {chains, temperatures, seed}, [] {});
}

// Within 4 sigma of the exact value, sigma at most `most_error`, and the lower bound not above it by 4 sigma.
void check_exact(const Energy& energy, std::int64_t chains, std::int64_t temperatures, double most_error) {
    const AnnealedLogZ found = estimate(energy, chains, temperatures);
    const double exact = *energy.log_z();
    std::cout << "exact " << exact << ", estimate " << found.log_z << " +- " << found.standard_error << ", effective "
              << found.effective << " of " << chains << ", lower bound " << found.mean_log_weight << " +- "
              << found.mean_error << "\n";
    CHECK(found.standard_error < most_error);
    CHECK(std::abs(found.log_z - exact) < 4 * found.standard_error);
    CHECK(found.mean_log_weight < exact + 4 * found.mean_error);
    CHECK(found.mean_log_weight < found.log_z);
    CHECK(found.effective <= static_cast<double>(chains));
}

}  // namespace

TEST_CASE("a flat energy has log Z = D log K + its level, without error") {
    const AnnealedLogZ found = estimate(Flat(1.5, 0), 8, 10);
    CHECK(found.log_z == doctest::Approx(5 * std::log(3) + 1.5).epsilon(1e-12));
    CHECK(found.mean_log_weight == doctest::Approx(found.log_z).epsilon(1e-12));
    CHECK(found.standard_error < 1e-9);
    CHECK(found.effective == doctest::Approx(8));
}

TEST_CASE("runs that start at impossible states weigh nothing") {
    const AnnealedLogZ found = estimate(Flat(1.5, 1), 3000, 1);
    CHECK(std::abs(found.log_z - (4 * std::log(3) + 1.5)) < 4 * found.standard_error);
    // A third of the runs count: the relative variance of a weight is 2.
    CHECK(found.standard_error == doctest::Approx(std::sqrt(2 / 3000.0)).epsilon(0.1));
    CHECK(found.effective == doctest::Approx(1000).epsilon(0.1));
    CHECK(found.mean_log_weight == -HUGE_VAL);
    const AnnealedLogZ none = estimate(Flat(0, 5), 2, 3);
    CHECK(none.log_z == -HUGE_VAL);
    CHECK(none.effective == 0);
}

TEST_CASE("log Z of lattices with exact values") {
    const auto energy = [](const char* name, const char* extent, Words words) {
        words.insert({{"rows", extent}, {"columns", extent}});
        return energy_plugin::make(name, words);
    };
    check_exact(*energy("ising", "6", {{"coupling", "0.2"}, {"field", "0.2"}}), 256, 200, 0.02);
    check_exact(*energy("ising", "8", {{"coupling", "0.44"}, {"field", "0"}}), 256, 400, 0.1);
    check_exact(*energy("potts", "5", {{"states", "3"}, {"coupling", "0.8"}}), 256, 200, 0.1);
    check_exact(*energy("edwards-anderson", "6", {{"beta", "1"}}), 256, 200, 0.1);
    check_exact(*energy("edwards-anderson", "6", {{"beta", "2"}, {"field", "0.3"}}), 256, 400, 0.2);
}

TEST_CASE("the standard error is that of repeated estimates") {
    const Words words{{"rows", "4"}, {"columns", "4"}, {"coupling", "0.44"}, {"field", "0.1"}};
    const auto energy = energy_plugin::make("ising", words);
    const double exact = *energy->log_z();
    double squares = 0;
    const int repeats = 100;
    for (int seed = 0; seed < repeats; ++seed) {
        const AnnealedLogZ found = estimate(*energy, 100, 20, static_cast<std::uint64_t>(seed));
        squares += std::pow((found.log_z - exact) / found.standard_error, 2) / repeats;
    }
    CHECK(std::abs(squares - 1) < 4 * std::sqrt(2.0 / repeats));  // 4 sigma of a chi-square of 100 degrees
}

TEST_CASE("the same seed gives the same bits, whatever the number of threads") {
    const auto energy = energy_plugin::make("ising", {{"rows", "5"}, {"columns", "5"}});
    const auto with_threads = [&](std::size_t threads, std::uint64_t seed) {
        const oneapi::tbb::global_control limit(oneapi::tbb::global_control::max_allowed_parallelism, threads);
        return estimate(*energy, 32, 10, seed).log_z;
    };
    CHECK(with_threads(1, 7) == with_threads(2, 7));
    CHECK(with_threads(1, 7) != with_threads(1, 8));
}

TEST_CASE("it can be given up, and says what it takes") {
    int ticks = 0;
    CHECK_THROWS_WITH_AS(annealed_log_z(Flat(0, 0), {4, 100, 0},
                                        [&] {
                                            if (++ticks == 3) throw Error("enough");
                                        }),
                         "enough", Error);
    CHECK(ticks == 3);
    CHECK_THROWS_WITH_AS(estimate(Flat(0, 0), 1, 0),
                         "annealed importance sampling takes at least 2 chains and 1 temperature, not 1 and 0", Error);
}
