// Random numbers and symbols for Markov chains on energies.
#include <doctest/doctest.h>

#include <marginalia/heat_bath.h>

#include <limits>
#include <set>
#include <vector>

using namespace marginalia;

namespace {

constexpr double none = -std::numeric_limits<double>::infinity();
constexpr int draws = 40000;

// Shares of the symbols drawn.
std::vector<double> shares(const std::vector<double>& log_weights, double beta) {
    FastRandom random(7);
    std::vector<double> seen(log_weights.size());
    for (int i = 0; i < draws; ++i) {
        std::vector<double> scratch = log_weights;
        ++seen[draw_tempered(scratch, beta, random)];
    }
    for (double& share : seen) share /= draws;
    return seen;
}

// Each share within 4 sigma of the expected one.
void check_shares(const std::vector<double>& log_weights, double beta, const std::vector<double>& expected) {
    const auto seen = shares(log_weights, beta);
    for (std::size_t k = 0; k < expected.size(); ++k) {
        CAPTURE(k);
        CHECK(std::abs(seen[k] - expected[k]) <= 4 * std::sqrt(expected[k] * (1 - expected[k]) / draws));
    }
}

}  // namespace

TEST_CASE("the generator is xoshiro256++") {
    // The first numbers of the reference implementation from the state 1, 2, 3, 4.
    FastRandom random(FastRandom::Words{1, 2, 3, 4});
    CHECK(random.bits() == 41943041u);
    CHECK(random.bits() == 58720359u);
    CHECK(random.bits() == 3588806011781223u);
    CHECK(random.bits() == 3591011842654386u);
}

TEST_CASE("streams differ, repeat, and go on from their words") {
    std::set<std::uint64_t> first;
    for (std::uint64_t seed = 0; seed < 30; ++seed)
        for (std::uint64_t stream = 0; stream < 30; ++stream) first.insert(FastRandom(seed, stream).bits());
    CHECK(first.size() == 900);
    FastRandom random(3, 4);
    random.bits();
    FastRandom again(random.words());
    CHECK(random.bits() == again.bits());
    CHECK(FastRandom(3, 4).bits() == FastRandom(3, 4).bits());
}

TEST_CASE("uniform numbers lie in [0, 1) with mean 1/2 and variance 1/12, and below() hits every value") {
    FastRandom random(1);
    double sum = 0, squares = 0;
    std::vector<int> seen(6);
    for (int i = 0; i < draws; ++i) {
        const double u = random.uniform();
        REQUIRE((u >= 0 && u < 1));
        sum += u;
        squares += u * u;
        ++seen.at(random.below(6));
    }
    CHECK(std::abs(sum / draws - 0.5) < 4 * std::sqrt(1.0 / 12 / draws));
    CHECK(std::abs(squares / draws - 1.0 / 3) < 4 * std::sqrt(4.0 / 45 / draws));
    for (const int count : seen) CHECK(std::abs(count - draws / 6.0) < 4 * std::sqrt(draws * 5.0 / 36));
}

TEST_CASE("symbols are drawn by their tempered weights") {
    const double third = std::log(1.0 / 3), half = std::log(0.5), sixth = std::log(1.0 / 6);
    check_shares({std::log(0.2), std::log(0.8)}, 1, {0.2, 0.8});
    check_shares({std::log(0.2) - 900, std::log(0.8) - 900}, 1, {0.2, 0.8});  // whatever the constant
    check_shares({std::log(0.2), std::log(0.8)}, 0.5, {1.0 / 3, 2.0 / 3});
    check_shares({third, half, sixth}, 1, {1.0 / 3, 1.0 / 2, 1.0 / 6});
    check_shares({third, half, sixth}, 2, {4.0 / 14, 9.0 / 14, 1.0 / 14});
    check_shares({third, half, sixth}, 0, {1.0 / 3, 1.0 / 3, 1.0 / 3});
}

TEST_CASE("weights of log 0 are never drawn, unless there is no other") {
    for (const double beta : {0.0, 0.3, 1.0}) {
        CAPTURE(beta);
        check_shares({none, 5}, beta, {0, 1});
        check_shares({5, none}, beta, {1, 0});
        check_shares({none, 0, 0, none}, beta, {0, 0.5, 0.5, 0});
        check_shares({none, none}, beta, {0.5, 0.5});
        check_shares({none, none, none}, beta, {1.0 / 3, 1.0 / 3, 1.0 / 3});
    }
}
