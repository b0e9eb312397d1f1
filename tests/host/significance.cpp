// t-tests over seeds against figures of scipy 1.x: scipy.stats.ttest_rel and ttest_ind(equal_var=False).
#include "kernel/host/results/significance.h"

#include <doctest/doctest.h>

#include <cmath>
#include <numbers>

using namespace marginalia;

namespace {

BySeed by_seed(std::initializer_list<double> values, std::int64_t first = 0) {
    BySeed figures;
    for (const double value : values) figures[first++] = value;
    return figures;
}

}  // namespace

TEST_CASE("seeds that both have are paired") {
    const auto found =
        mean_difference(by_seed({0.31, 0.29, 0.35, 0.33, 0.30}), by_seed({0.27, 0.28, 0.30, 0.29, 0.25}));
    CHECK(found->paired);
    CHECK(found->difference == doctest::Approx(-0.038).epsilon(1e-12));
    CHECK(*found->error == doctest::Approx(0.007348469228349542).epsilon(1e-10));
    CHECK(*found->t == doctest::Approx(-5.171145012542259).epsilon(1e-10));
    CHECK(*found->degrees == 4);
    CHECK(*found->p == doctest::Approx(0.0066467312113960555).epsilon(1e-8));
    // Two pairs: Student's t of one degree of freedom is Cauchy's distribution, p = 1 - 2/pi atan |t|.
    const auto two = mean_difference(by_seed({0, 0}), by_seed({1, 4}));
    CHECK(*two->t == doctest::Approx(5.0 / 3));
    CHECK(*two->p == doctest::Approx(1 - 2 / std::numbers::pi * std::atan(5.0 / 3)).epsilon(1e-10));
}

TEST_CASE("seeds that only one has, and values that are not finite, are left out of pairs") {
    BySeed first = by_seed({0, 0, 0, 7}), second = by_seed({1, 4, HUGE_VAL});
    second[9] = 100;
    const auto found = mean_difference(first, second);
    CHECK(found->paired);
    CHECK(found->first.count == 2);
    CHECK(found->difference == 2.5);
}

TEST_CASE("other seeds are compared by Welch's test") {
    const auto found = mean_difference(by_seed({1, 2, 4, 3}), by_seed({2.5, 6, 7.5}, 10));
    CHECK(!found->paired);
    CHECK(found->first.count == 4);
    CHECK(found->second.count == 3);
    CHECK(found->difference == doctest::Approx(2.833333333333333));
    CHECK(*found->error == doctest::Approx(1.6158932858054431).epsilon(1e-10));
    CHECK(*found->t == doctest::Approx(1.7534161186399484).epsilon(1e-10));
    CHECK(*found->degrees == doctest::Approx(2.7651384759818494).epsilon(1e-10));
    CHECK(*found->p == doctest::Approx(0.1855418522905765).epsilon(1e-8));
}

TEST_CASE("one seed says nothing, and no seed gives no difference") {
    const auto found = mean_difference(by_seed({1}), by_seed({2}));
    CHECK(found->difference == 1);
    CHECK(!found->p);
    CHECK(!mean_difference(by_seed({1}), by_seed({2, 3}, 1))->p);
    CHECK(!mean_difference(by_seed({1, 2}), by_seed({NAN})).has_value());
    CHECK(!mean_difference({}, by_seed({1})).has_value());
}

TEST_CASE("figures that are the same in every seed have no error") {
    CHECK(*mean_difference(by_seed({1, 1, 1}), by_seed({1, 1, 1}))->p == 1);
    CHECK(*mean_difference(by_seed({1, 1, 1}), by_seed({2, 2, 2}))->p == 0);
    CHECK(*mean_difference(by_seed({1, 1}), by_seed({2, 2}, 5))->p == 0);
}

TEST_CASE("Holm's correction") {
    // Holm (1979), by hand: 0.01 x 4, 0.03 x 3 = 0.09, then 0.04 x 2 = 0.08, which may not be below 0.09.
    const std::vector<double> corrected = holm({0.04, 0.01, 0.9, 0.03});
    CHECK(corrected[1] == doctest::Approx(0.04));
    CHECK(corrected[3] == doctest::Approx(0.09));
    CHECK(corrected[0] == doctest::Approx(0.09));
    CHECK(corrected[2] == doctest::Approx(0.9));
    CHECK(holm({0.7, 0.8}) == std::vector<double>{1, 1});
    CHECK(holm({}).empty());
}
