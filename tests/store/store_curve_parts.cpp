// Thinned curves beside their points.
#include <sqlite3.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <random>
#include <span>
#include <utility>
#include <vector>

#include "store/curve_parts.h"
#include "store/merge.h"
#include "store/queries.h"
#include "tests/store/store_testing.h"

using namespace marginalia::store;

namespace store_curve_parts {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr double inf = std::numeric_limits<double>::infinity();

// A trial's curve "loss" in a store, and the same points in memory.
struct Curve {
    TemporaryFolder folder;
    Store store = Store::open(folder / "a.db");
    TrialId trial = store.enqueue(plan("one", 1)).front().id;
    std::map<std::int64_t, double> values;
    std::mt19937 random{1};

    double draw() { return std::uniform_real_distribution<double>(-1, 1)(random); }
    std::int64_t draw(std::int64_t most) { return std::uniform_int_distribution<std::int64_t>(0, most)(random); }

    void add(const std::vector<std::pair<std::int64_t, double>>& points) {
        std::vector<MetricPoint> metrics;
        for (const auto& [step, value] : points) {
            metrics.push_back({"loss", step, value, 2e9});
            values[step] = value;
        }
        store.add_metrics(trial, metrics);
    }
    // As training does it, some points at a time; NaN and infinities among them.
    void grow(int points, std::int64_t stride) {
        std::int64_t step = values.empty() ? 0 : values.rbegin()->first;
        while (points > 0) {
            std::vector<std::pair<std::int64_t, double>> lot;
            for (auto left = std::min<std::int64_t>(points, 1 + draw(300)); left > 0; --left, --points) {
                step += 1 + draw(stride - 1);
                lot.emplace_back(step, draw(50) == 0 ? nan : draw(50) == 0 ? inf : draw());
            }
            add(lot);
        }
    }
    std::int64_t parts_of_level(int level) {
        return static_cast<std::int64_t>(
            number_of(store, fmt::format("SELECT count(*) FROM curve_part WHERE level = {}", level)));
    }
};

std::map<std::int64_t, CurvePart> brute(const std::map<std::int64_t, double>& values, std::int64_t first,
                                        std::int64_t last, std::int64_t parts) {
    std::map<std::int64_t, CurvePart> found;
    const double per_step = (static_cast<double>(parts) - 1) / std::max(1.0, static_cast<double>(last - first));
    for (const auto& [step, value] : values) {
        if (step < first || step > last || !std::isfinite(value)) continue;
        const auto number = static_cast<std::int64_t>(static_cast<double>(step - first) * per_step);
        auto& part = found.try_emplace(number, CurvePart{number, 0, 0, inf, -inf, 0}).first->second;
        ++part.count;
        part.sum += value;
        part.min = std::min(part.min, value);
        part.max = std::max(part.max, value);
        part.step_sum += static_cast<double>(step);
    }
    return found;
}

// Of the whole curve and of ranges of it.
void check_parts(Store& store, TrialId trial, const std::map<std::int64_t, double>& values, std::mt19937& random) {
    const auto end = values.rbegin()->first;
    for (int i = 0; i < 12; ++i) {
        std::int64_t first = 0, last = end;
        if (i > 1) first = std::uniform_int_distribution<std::int64_t>(0, end)(random);
        if (i > 6) last = std::uniform_int_distribution<std::int64_t>(first, end)(random);
        const std::int64_t count = i == 0 ? 1 : 1 + static_cast<std::int64_t>(random() % 500);
        const auto expected = brute(values, first, last, count);
        const auto parts = metric_parts(store, trial, "loss", first, last, count);
        CAPTURE(fmt::format("{} to {}, {} parts", first, last, count));
        REQUIRE(parts.size() == expected.size());
        for (const auto& part : parts) {
            const auto& other = expected.at(part.part);
            REQUIRE(part.count == other.count);
            REQUIRE(part.min == other.min);
            REQUIRE(part.max == other.max);
            REQUIRE(part.sum == doctest::Approx(other.sum).epsilon(1e-9));
            REQUIRE(part.step_sum == doctest::Approx(other.step_sum).epsilon(1e-12));
        }
    }
}

TEST_CASE_FIXTURE(Curve, "a thinned curve is the sum of its points, whatever was written and in which order") {
    grow(40'000, 3);
    CHECK(parts_of_level(1) == 40'000 / part_points);
    CHECK(parts_of_level(2) == 40'000 / (part_points * part_points));
    check_parts(store, trial, values, random);
    SUBCASE("points are replaced and added in the middle") {
        for (int i = 0; i < 5; ++i) {
            const auto step = draw(values.rbegin()->first);
            add({{step, draw()}, {step + 1, draw()}, {values.rbegin()->first + 5, draw()}});
            check_parts(store, trial, values, random);
        }
    }
    SUBCASE("what came after a checkpoint is forgotten, and made again") {
        const auto step = values.rbegin()->first / 2;
        store.forget_after(trial, step);
        values.erase(values.upper_bound(step), values.end());
        check_parts(store, trial, values, random);
        grow(20'000, 2);
        CHECK(parts_of_level(1) == static_cast<std::int64_t>(values.size()) / part_points);
        check_parts(store, trial, values, random);
    }
    SUBCASE("parts that are missing are made up for by points") {
        store.connection().execute("DELETE FROM curve_part WHERE level = 2 OR last_step % 3 = 0");
        check_parts(store, trial, values, random);
        store.connection().execute("DELETE FROM curve_part");
        check_parts(store, trial, values, random);
        rebuild_parts(store.connection());
        CHECK(parts_of_level(1) == 40'000 / part_points);
        check_parts(store, trial, values, random);
    }
    SUBCASE("in another store they are the same") {
        auto other = Store::open(folder / "b.db");
        other.enqueue(plan("another", 1));
        other.add_metrics(1, std::vector<MetricPoint>{{"kl", 1, 0.5, 2e9}});  // so that metrics have other numbers
        copy_trials(folder / "a.db", std::span(&trial, 1), other);
        CHECK(number_of(other, "SELECT count(*) FROM curve_part") == parts_of_level(1) + parts_of_level(2));
        check_parts(other, 2, values, random);
    }
}

TEST_CASE_FIXTURE(Curve, "the parts of a store of an earlier layout are made when it is brought up to date") {
    grow(1'000, 1);
    store.connection().execute("DELETE FROM curve_part");
    rebuild_parts(store.connection());
    CHECK(parts_of_level(1) == 1'000 / part_points);
}

TEST_CASE_FIXTURE(Curve, "thinning a long curve costs no more than a short one's points") {
    std::vector<std::pair<std::int64_t, double>> points;
    for (std::int64_t step = 1; step <= 200'000; ++step) points.emplace_back(step, draw());
    points[123'456].second = 1000;
    add(points);
    std::int64_t steps = 0;
    sqlite3_progress_handler(
        store.connection().handle(), 100, [](void* count) { return ++*static_cast<std::int64_t*>(count), 0; }, &steps);
    const auto parts = metric_parts(store, trial, "loss", 1, 200'000, 10);
    CHECK(steps < 1'000);  // of 100 each; all points would be 20,000
    REQUIRE(parts.size() == 10);
    CHECK(parts[5].max == 1000);
}

}  // namespace store_curve_parts
